// From what a caller asks for, or what the lock remembers, to a place that can be fetched from; and the fetching, which
// is one function for each kind of place.
import { statSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { resolve } from "node:path";
import { refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { tidyContents } from "./contents.js";
import { copyExample } from "./examples.js";
import { parseOrigin, requestExport } from "./fleet.js";
import { fetchCommit } from "./git.js";
import type { InstallRequest } from "./input.js";
import type { Entry } from "./lock.js";
import { checkRef, folderOf, parseSource, splitRef } from "./source.js";
import { unpack } from "./unpack.js";

export type Origin =
  | { type: "git"; source: string; url: string; ref?: string }
  | { type: "local"; source: string; url: string }
  | { type: "example"; source: string; example: string }
  | { type: "fleet"; source: string; from: URL; name: string; token?: string };

type Config = ServiceContext["config"];

export interface FetchPlace {
  /** Is made: a folder, or the link to one. */
  into: string;
  config: Config;
  /** For the programs that fetch. */
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** `folder` is what the service folder is called when nobody says otherwise. Throws `bad_request`. */
export function originOf(request: InstallRequest, config: Config): { origin: Origin; folder: string } {
  if ("from" in request) {
    const { from, name, token } = request;
    return {
      origin: { type: "fleet", source: `${from}#${name}`, from: parseOrigin(from), name, token },
      folder: name,
    };
  }
  const source = parseSource(request.source);
  const field = request.ref === undefined ? undefined : checkRef(request.ref);
  if (source.kind === "path") return originOfPath(request.source, field, config);
  if (source.kind === "example") {
    if (field !== undefined) throw refused("ref is for git sources alone");
    return {
      origin: { type: "example", source: request.source, example: source.folder },
      folder: source.folder,
    };
  }
  const { url, ref, folder } = source;
  return { origin: { type: "git", source: request.source, url, ref: field ?? ref }, folder };
}

/** What was installed once, to be fetched again. */
export function originOfEntry({ type, source, url = "", ref }: Entry, token: string | undefined): Origin {
  if (type === "git") return { type, source, url, ref };
  if (type === "local") return { type, source, url };
  if (type === "example") return { type, source, example: source.slice("example:".length) };
  const at = source.lastIndexOf("#");
  return { type, source, from: parseOrigin(source.slice(0, at)), name: source.slice(at + 1), token };
}

/** What the lock remembers of it. */
export function entryOf(
  origin: Origin,
  { name, hash, commit }: Pick<Entry, "name" | "hash" | "commit">,
): Omit<Entry, "installedAt"> {
  const { type, source } = origin;
  if (origin.type === "git") return { name, source, type, url: origin.url, ref: origin.ref, commit, hash };
  return { name, source, type, url: origin.type === "local" ? origin.url : undefined, hash };
}

/** Resolves to the commit, where there is one. Rejects `bad_request` for whatever cannot be had. */
export async function fetchOrigin(origin: Origin, place: FetchPlace): Promise<string | undefined> {
  if (origin.type === "local") {
    await symlink(origin.url, place.into);
    return undefined;
  }
  const commit = await fetchContents(origin, place);
  await tidyContents(place.into);
  return commit;
}

async function fetchContents(
  origin: Exclude<Origin, { type: "local" }>,
  place: FetchPlace,
): Promise<string | undefined> {
  const { into, config, signal } = place;
  if (origin.type === "git") return fetchCommit(origin, place);
  if (origin.type === "example") await copyExample(config, origin.example, into);
  else await unpack(await requestExport({ ...origin, signal }, config), into);
  return undefined;
}

/** A repository is cloned and another folder linked. A relative path begins where the server works. */
function originOfPath(
  text: string,
  refField: string | undefined,
  config: Config,
): { origin: Origin; folder: string } {
  const { path, ref: inText } = existing(text, config.dir);
  const ref = refField ?? inText;
  const origin = { source: text, url: path };
  const folder = folderOf(path);
  if (path.endsWith(".git") || isBareRepository(path))
    return { origin: { type: "git", ...origin, ref }, folder };
  if (ref !== undefined) throw refused("ref is for git sources alone");
  return { origin: { type: "local", ...origin }, folder };
}

/** What ends like a ref may be part of the path. */
function existing(text: string, dir: string): { path: string; ref?: string } {
  const whole = resolve(dir, text);
  if (isFolder(whole)) return { path: whole };
  const { rest, ref } = splitRef(text);
  if (ref === undefined || !isFolder(resolve(dir, rest))) throw refused(`There is no folder ${text}`);
  return { path: resolve(dir, rest), ref: checkRef(ref) };
}

function isBareRepository(path: string): boolean {
  const isThere = (name: string) => statSync(resolve(path, name), { throwIfNoEntry: false }) !== undefined;
  return isThere("HEAD") && isFolder(resolve(path, "objects")) && isFolder(resolve(path, "refs"));
}

/** False also for a path that cannot be one, and for what may not be looked at. */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
