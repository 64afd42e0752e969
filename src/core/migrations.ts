// Numbered migrations of a SQLite file, counted in its `user_version`, and the copy that takes them back when the
// version that brought them does not get to serve.
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { LoadFailed } from "./scope.js";
import type { Log } from "./types.js";

/** Runs those that the file does not have. One that fails leaves those before it in place and throws. */
export function migrate(
  db: Database,
  migrations: string[],
  { backup, log }: { backup: Backup; log: Log },
): void {
  const applied = appliedIn(db);
  if (applied > migrations.length) {
    log.warn(`${db.filename} has ${applied} migrations and this version knows ${migrations.length}`);
  }
  if (applied > 0 && applied < migrations.length) backup.make(db);
  for (const [index, sql] of migrations.entries()) {
    if (index < applied) continue;
    db.transaction(() => {
      db.run(sql);
      db.run(`PRAGMA user_version = ${index + 1}`);
    }).immediate();
  }
}

function appliedIn(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

export interface Backup {
  make(db: Database): void;
  exists(): boolean;
  drop(): void;
  /** For a closed database: puts the copy back when the version ended because it could not serve; else drops it. */
  settle(reason: unknown): void;
}

/**
 * For a database whose process died before its version could serve: the copy is put back when migrations ran after it was
 * made. To be called when nobody has the database open.
 */
export function putBackLeft(path: string): void {
  const copy = copyOf(path);
  if (!existsSync(copy)) return;
  const [before, now] = [copy, path].map(appliedInFile);
  // A copy that is not whole, for its process died while it was made, says 0.
  if (before && now && before < now) putBack(copy, path);
  else rmSync(copy, { force: true });
}

function appliedInFile(path: string): number {
  const db = new Database(path, { readwrite: true, create: false });
  try {
    return appliedIn(db);
  } finally {
    db.close();
  }
}

function copyOf(path: string): string {
  return `${path}.before-migration`;
}

/** A copy that is left from a process that died is dropped: what it died with was live, or is loaded again. */
export function createBackup(path: string): Backup {
  const copy = copyOf(path);
  const drop = () => rmSync(copy, { force: true });
  drop();
  return {
    make(db) {
      db.run("VACUUM INTO ?", [copy]);
    },
    exists: () => existsSync(copy),
    drop,
    settle(reason) {
      if (!(reason instanceof LoadFailed)) return drop();
      if (existsSync(copy)) putBack(copy, path);
    },
  };
}

function putBack(copy: string, path: string): void {
  const file = openSync(copy, "r");
  fsyncSync(file);
  closeSync(file);
  for (const part of ["-wal", "-shm"]) rmSync(path + part, { force: true });
  renameSync(copy, path);
}
