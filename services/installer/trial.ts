// A service that is not in the services folder yet: fetched to a place of its own, checked, given its packages and
// imported in a child process.
import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { runTag } from "./command.js";
import { checkEntryPoint } from "./contents.js";
import { FETCH_MS, PACKAGES_MS } from "./limits.js";
import { fetchOrigin, type Origin } from "./origins.js";
import { installPackages } from "./packages.js";
import { withinTime } from "./parts.js";
import { inStep, type Tell } from "./steps.js";

export interface Candidate {
  /** A folder, or the link to one, outside of the services folder. */
  path: string;
  hash: string;
  commit?: string;
}

export interface TrialOptions {
  ctx: ServiceContext;
  origin: Origin;
  /** What the folder is going to be called. */
  dirName: string;
  tell: Tell;
}

/** The candidate is gone when `work` has settled, unless it was taken elsewhere. */
export async function withCandidate<T>(
  options: TrialOptions,
  work: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const staging = join(stagingDir(options.ctx), randomUUID());
  const path = join(staging, options.dirName);
  await mkdir(staging, { recursive: true });
  try {
    return await work(await fetchCandidate(options, path));
  } catch (error) {
    throw asRefusal(error, path);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What a killed reef has left. */
export async function sweepStaging(ctx: ServiceContext): Promise<void> {
  await rm(stagingDir(ctx), { recursive: true, force: true });
}

/** Before anything of it is run. */
export function checkHash({ hash }: Candidate, expected: string | undefined): void {
  if (expected !== undefined && expected !== hash)
    throw refused(`Hash mismatch: expected ${expected}, got ${hash}`);
}

/** Installs its packages and imports it. Resolves to the module's name, rejects with the problem's text. */
export async function tryCandidate(
  { path }: Candidate,
  { ctx, origin, tell }: TrialOptions,
): Promise<string> {
  await inStep(tell, "packages", async () => {
    // A linked folder is somebody's own, and so are its packages.
    const isDone = origin.type !== "local" && (await withPackages(ctx, path));
    return isDone ? {} : { skipped: true };
  });
  const { name } = await inStep(tell, "import", async () => {
    const { name } = await ctx.registry.tryFolder(path);
    return { name, detail: `exports ServiceModule "${name}"` };
  });
  return name;
}

/** A folder that reef finds too large, or nothing in, is one that cannot be installed. Where it lay means nothing. */
function asRefusal(error: unknown, path: string): unknown {
  const isRefusal = error instanceof ReefError && (error.code === "too_large" || error.code === "not_found");
  if (!isRefusal) return error;
  const message = error.message.replaceAll(path, basename(path));
  return new ReefError("bad_request", message, error.details, { cause: error });
}

function stagingDir({ dataDir }: ServiceContext): string {
  return join(dataDir, "installer");
}

async function fetchCandidate(
  { ctx, origin, dirName, tell }: TrialOptions,
  path: string,
): Promise<Candidate> {
  const { commit } = await inStep(tell, "fetch", () =>
    withinTime(ctx, { ms: FETCH_MS, what: "Fetching" }, async (signal) => {
      const env = await environment(ctx);
      const commit = await fetchOrigin(origin, { into: path, config: ctx.config, env, signal });
      return { commit, ...(commit === undefined ? {} : { detail: commit }) };
    }),
  );
  const { hash } = await inStep(tell, "check", async () => {
    await checkEntryPoint(path, dirName);
    const hash = await ctx.registry.hashFolder(path);
    return { hash, detail: hash };
  });
  return { path, hash, ...(commit === undefined ? {} : { commit }) };
}

function withPackages(ctx: ServiceContext, folder: string): Promise<boolean> {
  return withinTime(ctx, { ms: PACKAGES_MS, what: "Installing packages" }, async (signal) => {
    const env = await environment(ctx);
    return installPackages({ folder, cacheDir: ctx.config.cacheDir, env, signal });
  });
}

/** Of what tasks get, the part that every program needs: no key, no token, nothing that the operator named for tasks. */
async function environment({ config, dataDir }: ServiceContext): Promise<Record<string, string>> {
  const needed = Object.entries(config.baseEnv).filter(([name]) => NEEDED.test(name));
  return { PATH: USUAL_PATH, ...Object.fromEntries(needed), ...(await runTag(dataDir)) };
}

const NEEDED =
  /^(PATH|HOME|USER|LOGNAME|LANG|TZ|TMPDIR|SSH_AUTH_SOCK|(HTTPS?|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO)$/i;
/** Where programs are when nobody says. */
const USUAL_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
