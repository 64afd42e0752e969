// Keeps pi's own tools out of /proc, where the environment of pi stands with its keys. Hygiene, not a wall.
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const UNICODE_SPACES = /[\u00A0\u2000-\u200A\u202F\u205F\u3000]/g;

/** Why a path is not read, or undefined. A recursive search is also refused where it would come through /proc. */
export function procRefusal(
  path: string | undefined,
  cwd: string,
  search?: { recursive: boolean },
): string | undefined {
  const target = realPath(expand(path || ".", cwd));
  if (target === "/proc" || target.startsWith("/proc/"))
    return `${path} is below /proc, which tools do not read.`;
  if (search?.recursive && target === "/") return "A search of / would read /proc. Name a folder below it.";
  return undefined;
}

/** The reading of a path that pi's tools have. */
function expand(path: string, cwd: string): string {
  const plain = path.replace(/^@/, "").replace(UNICODE_SPACES, " ");
  if (plain === "~" || plain.startsWith("~/")) return join(homedir(), plain.slice(1));
  return resolve(cwd, plain);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Nothing is there, so there is no link to follow either.
    return path;
  }
}
