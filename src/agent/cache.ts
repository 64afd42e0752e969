// The folder of compiled pis that servers share: one builder at a time, and no folder goes while somebody uses it.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A build that takes longer is given up; a lock that is older is nobody's. */
export const BUILD_LIMIT_MS = 5 * 60_000;

const LOCK_POLL_MS = 250;
const KEY = /^[0-9a-f]{32}$/;

export interface Cache {
  /** Where a key's finished build is, or will be. */
  folder(key: string): string;
  /** A folder in which this process builds that key. */
  workshop(key: string): string;
  /** Waits for the other builder, if there is one. Returns how to release the lock. */
  lock(key: string, signal: AbortSignal): Promise<() => Promise<void>>;
  /** Says that this process uses a key's folder. Returns how to take that back. */
  use(key: string): Promise<() => Promise<void>>;
  /** Removes what other keys have left and no living process uses. */
  sweep(key: string): Promise<void>;
}

export function createCache(dir: string): Cache {
  const folder = (key: string) => join(dir, key);

  async function isUsed(name: string): Promise<boolean> {
    const users = await readdir(join(dir, name, "users")).catch(() => []);
    return users.some((pid) => isAlive(Number(pid)));
  }

  /** `<key>` goes when nobody uses it, `<key>.<pid>` and `<key>.lock` when their process is gone. */
  async function isLeft(name: string, current: string): Promise<boolean> {
    const [key = "", suffix] = name.split(".");
    if (!KEY.test(key)) return false;
    if (suffix === "lock") return !(await holderOf(join(dir, name)));
    if (suffix !== undefined) return !isAlive(Number(suffix));
    return key !== current && !(await isUsed(name));
  }

  return {
    folder,
    workshop: (key) => join(dir, `${key}.${process.pid}`),
    async lock(key, signal) {
      const path = join(dir, `${key}.lock`);
      await mkdir(dir, { recursive: true });
      while (!(await taken(path))) {
        signal.throwIfAborted();
        if (!(await holderOf(path))) await rm(path, { force: true });
        // The holder is another process, and nothing tells when it lets go.
        else await Bun.sleep(LOCK_POLL_MS);
      }
      return () => rm(path, { force: true });
    },
    async use(key) {
      const mark = join(folder(key), "users", String(process.pid));
      await mkdir(join(folder(key), "users"), { recursive: true });
      await writeFile(mark, "");
      return () => rm(mark, { force: true });
    },
    async sweep(key) {
      for (const name of await readdir(dir)) {
        if (await isLeft(name, key)) await rm(join(dir, name), { recursive: true, force: true });
      }
    },
  };
}

/** True when the lock file is this process's now. */
async function taken(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The living process that holds a lock. */
async function holderOf(path: string): Promise<number | undefined> {
  const [text, info] = await Promise.all([readFile(path, "utf8"), stat(path)]).catch(() => [
    undefined,
    undefined,
  ]);
  if (text === undefined || info === undefined) return undefined;
  // A file without a pid yet was created a moment ago.
  const isFresh = Date.now() - info.mtimeMs < BUILD_LIMIT_MS;
  return isFresh && (text === "" || isAlive(Number(text))) ? Number(text) : undefined;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
