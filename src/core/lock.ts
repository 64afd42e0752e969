// One server for each DATA_DIR: a lock that the operating system drops when its holder dies, however it dies.
import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface DataLock {
  release(): void;
}

/** Held until `release`, or for as long as the returned lock is kept. Throws an Error that names the holder. */
export function lockDataDir(dataDir: string): DataLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const pidFile = join(dataDir, "lock.pid");
  const db = new Database(join(dataDir, "lock.sqlite"), { create: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error;
    throw new Error(`${dataDir} is in use by process ${holderOf(pidFile)}`, { cause: error });
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release() {
      rmSync(pidFile, { force: true });
      db.close();
    },
  };
}

function holderOf(pidFile: string): string {
  try {
    return readFileSync(pidFile, "utf8").trim();
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? "another server" : String(error);
  }
}
