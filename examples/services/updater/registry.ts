// What the registry of packages says is the newest version.
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { messageOf, ReefError } from "#core/errors.js";
import { type RunOptions, run } from "./run.js";

const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 1_048_576;
const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

const Latest = Type.Object({ version: Type.String({ maxLength: 100 }) });
type Latest = Static<typeof Latest>;

/** Everything that goes wrong is `upstream_failed`, with the reason. */
export async function latestVersion(registry: string, name: string, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const answer = await fetch(`${registry}/${name}/latest`, {
      headers: { Accept: "application/json" },
      signal: limit,
    });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const { version } = latestIn(await textOf(answer));
    return version;
  } catch (error) {
    const reason = limit.aborted && !signal.aborted ? `no answer in ${ANSWER_MS / 1000} s` : messageOf(error);
    throw new ReefError("upstream_failed", `the registry: ${reason}`, {}, { cause: error });
  }
}

/** Only upwards, and to no pre-release. */
export function isNewer(latest: string, current: string): boolean {
  const isRelease = !latest.split("+")[0]?.includes("-");
  return isRelease && Bun.semver.order(latest, current) > 0;
}

/** What npm asks for a package of that name. It is npm that knows all the places where this may be written. */
export async function npmRegistry(name: string, where: Pick<RunOptions, "cwd" | "env">): Promise<string> {
  const [, scope] = /^(@[^/]+)\//.exec(name) ?? [];
  const keys = ["registry", ...(scope ? [`${scope}:registry`] : [])];
  const { output } = await run(["npm", "config", "get", ...keys], { ...where, limitMs: ANSWER_MS });
  const urls = Array.from(output.matchAll(/^(?:[^\s=]+=)?(https?:\/\/\S+)$/gm), ([, url = ""]) => url);
  const url = urls.at(-1);
  if (url === undefined)
    throw new ReefError("upstream_failed", "npm names no registry: set REEF_NPM_REGISTRY");
  return url.replace(/\/+$/, "");
}

function latestIn(text: string): Latest {
  const value: unknown = JSON.parse(text);
  if (Value.Check(Latest, value) && SEMVER.test(value.version)) return value;
  throw new Error("it named no version");
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
