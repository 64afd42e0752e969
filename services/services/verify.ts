// Asks a version that is up, before anybody else can, whether it is the right one and answers.
import { ReefError } from "#core/errors.js";
import { type ModuleRoute, routesOf } from "#core/http.js";
import type { TriedVersion } from "#core/types.js";

const ANSWER_MS = 2_000;

/** Rejects with the reason when the version is another one, or its first plain GET route does not answer well. */
export async function verify(version: TriedVersion, hash: string): Promise<void> {
  if (version.hash !== hash) throw new ReefError("bad_request", `another version is live: ${version.hash}`);
  const route = routesOf(version.module).find(isPlainGet);
  if (!route) return;
  const { status } = await answerOf(version, route.path);
  if (status >= 500) throw new ReefError("bad_request", `GET ${route.path} answered ${status}`);
}

/** One that can be asked without knowing anything: no parameter, no wildcard. */
function isPlainGet({ method, path }: ModuleRoute): boolean {
  return method === "GET" && !/[:*]/.test(path);
}

/** A stream has answered when it begins; nobody reads it, and what it makes of that is its own affair. */
async function answerOf(version: TriedVersion, path: string): Promise<Response> {
  const over = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const text = `GET ${path} did not answer within ${ANSWER_MS / 1000} s`;
  const timer = setTimeout(() => reject(new ReefError("bad_request", text)), ANSWER_MS);
  try {
    const response = await Promise.race([version.fetch(path, { signal: over.signal }), late]);
    response.body?.cancel().catch(() => undefined);
    return response;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
