// One update at a time for an installation, also when several servers run from it: a file that names the process which
// holds it. It stays that process's when it becomes another version of reef, and is nobody's when the process is gone.
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";

const FILE = "lock.pid";
/** In `/proc/<pid>/stat`, behind the name of the program. */
const START_TIME = 19;

/** Returns its release. Throws `conflict` while another process holds it. */
export function takeLock(dir: string): () => void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, FILE);
  const own = `${path}.${process.pid}`;
  const holder = holderOf(process.pid);
  writeFileSync(own, holder);
  try {
    if (!linked(own, path) && !isTakenOver(own, path)) throw new ReefError("conflict", "Already applying");
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (contentOf(path) === holder) rmSync(path, { force: true });
  };
}

/** A link is made by one process alone. */
function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Of a process that is gone, or of this one as it was before. */
function isTakenOver(own: string, path: string): boolean {
  const found = contentOf(path);
  if (found !== undefined && found !== contentOf(own) && isAlive(found)) return false;
  const aside = `${own}.old`;
  if (existsSync(path)) renameSync(path, aside);
  // Another process may have been as quick: what was moved aside has to be what was looked at.
  const isOurs = contentOf(aside) === found;
  const isTaken = linked(isOurs ? own : aside, path) && isOurs;
  rmSync(aside, { force: true });
  return isTaken;
}

function isAlive(holder: string): boolean {
  return holderOf(Number.parseInt(holder, 10)) === holder;
}

/** A process number is given again, and so the time at which the process began goes with it where that can be read. */
function holderOf(pid: number): string {
  const stat = contentOf(`/proc/${pid}/stat`);
  if (stat !== undefined) return `${pid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[START_TIME]}\n`;
  return existsSync("/proc/self/stat") || !isRunning(pid) ? "" : `${pid}\n`;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
