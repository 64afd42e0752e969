// A service's SQLite file: migrations, group commits, a failing disk, and its end with the module's version.
import type { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ServiceEventBus } from "../../src/core/events.js";
import { createScope, LoadFailed, type Scope } from "../../src/core/scope.js";
import { openStorage, type Storage, type StorageOptions } from "../../src/core/storage.js";
import { contextOf, listener, openWorld, temporaryDir } from "./modules.js";

const TABLE = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)";
const WITH_TAG = "ALTER TABLE note ADD COLUMN tag TEXT; UPDATE note SET tag = 'old'";

const dirs: string[] = [];
const scopes: Scope[] = [];
afterEach(async () => {
  for (const scope of scopes.splice(0)) await scope.undo();
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function dataDir(): Promise<string> {
  const dir = await temporaryDir();
  dirs.push(dir);
  return dir;
}

function opened(dir: string, options: Partial<StorageOptions> = {}) {
  const heard = listener();
  const scope = createScope(heard.log);
  scopes.push(scope);
  const events = new ServiceEventBus(heard.log);
  const ctx = contextOf({
    name: "notes",
    dir,
    servicesDir: dir,
    dataDir: dir,
    scope,
    events,
    log: heard.log,
  });
  return { heard, scope, events, ctx, storage: openStorage(ctx, { migrations: [TABLE], ...options }) };
}

const add = (text: string) => (db: Database) =>
  db.query<{ id: number }, [string]>("INSERT INTO note (text) VALUES (?) RETURNING id").get(text)?.id;
const texts = ({ read }: Storage) =>
  read
    .query<{ text: string }, []>("SELECT text FROM note ORDER BY id")
    .all()
    .map(({ text }) => text);
const commits = (storage: Storage) =>
  storage.read.query<{ data_version: number }, []>("PRAGMA data_version").get();

test("a write resolves to its result, and is read by then (spec §5.6)", async () => {
  const dir = await dataDir();
  const { storage } = opened(dir);
  expect(await storage.write(add("one"))).toBe(1);
  expect(texts(storage)).toEqual(["one"]);
  expect(storage.read.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(await storage.write((db) => db.query("PRAGMA synchronous").get())).toEqual({ synchronous: 2 });
  expect(existsSync(join(dir, "notes.sqlite"))).toBe(true);
});

test("writes of one turn are one commit, and a failing one fails only itself", async () => {
  const { storage } = opened(await dataDir());
  const before = commits(storage)?.data_version ?? 0;
  const results = await Promise.allSettled([
    storage.write(add("a")),
    storage.write(add("a")),
    storage.write((db) => {
      add("half")(db);
      throw new Error("changed my mind");
    }),
    storage.write(async (db) => add("async")(db)),
    storage.write(add("b")),
    ...Array.from({ length: 200 }, (_, n) => storage.write(add(`n${n}`))),
  ]);
  expect(results.slice(0, 5).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  expect(texts(storage).slice(0, 3)).toEqual(["a", "b", "n0"]);
  expect(texts(storage)).toHaveLength(202);
  expect((commits(storage)?.data_version ?? 0) - before).toBe(1);
});

test("a full disk is insufficient_storage, leaves nothing half-written, and is over when there is room (spec §1.5)", async () => {
  const { storage } = opened(await dataDir());
  const pages = await storage.write((db) => {
    const { page_count } = db.query<{ page_count: number }, []>("PRAGMA page_count").get() ?? {
      page_count: 0,
    };
    db.run(`PRAGMA max_page_count = ${page_count + 2}`);
    return page_count;
  });
  expect(pages).toBeGreaterThan(0);
  const [small, big] = await Promise.allSettled([
    storage.write(add("small")),
    storage.write((db) => {
      add("half")(db);
      add("x".repeat(100_000))(db);
    }),
  ]);
  expect(small.status).toBe("fulfilled");
  expect(big).toMatchObject({ reason: { code: "insufficient_storage", message: "storage unavailable" } });
  expect(texts(storage)).toEqual(["small"]);
  await storage.write((db) => db.run("PRAGMA max_page_count = 1000000"));
  await storage.write(add("x".repeat(100_000)));
  expect(texts(storage)).toHaveLength(2);
});

test("when the transaction itself is lost, every write of it rejects", async () => {
  const { storage } = opened(await dataDir());
  const results = await Promise.allSettled([
    storage.write(add("a")),
    storage.write((db) => {
      db.run("ROLLBACK");
    }),
    storage.write(add("b")),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(texts(storage)).toEqual([]);
  await storage.write(add("c"));
  expect(texts(storage)).toEqual(["c"]);
});

test("a data folder that cannot be written is insufficient_storage at once", async () => {
  const dir = await dataDir();
  expect(() => opened(join(dir, "missing"))).toThrow("storage unavailable");
});

test("reading cannot write", async () => {
  const { storage } = opened(await dataDir());
  expect(() => add("x")(storage.read)).toThrow("readonly");
});

test("migrations run once, in order, each in a transaction (spec §5.6)", async () => {
  const dir = await dataDir();
  const first = opened(dir);
  await first.storage.write(add("kept"));
  await first.scope.undo();
  const second = opened(dir, { migrations: [TABLE, WITH_TAG, "CREATE INDEX note_tag ON note (tag)"] });
  expect(second.storage.read.query("SELECT text, tag FROM note").all()).toEqual([
    { text: "kept", tag: "old" },
  ]);
  await second.storage.write((db) => db.run("UPDATE note SET tag = 'new'"));
  await second.scope.undo();
  const third = opened(dir, { migrations: [TABLE, WITH_TAG, "CREATE INDEX note_tag ON note (tag)"] });
  expect(third.storage.read.query("SELECT tag FROM note").all()).toEqual([{ tag: "new" }]);
  expect(third.heard.lines).toEqual([]);
});

test("a file with more migrations than are known is opened, with a warning (spec §5.6)", async () => {
  const dir = await dataDir();
  await opened(dir, { migrations: [TABLE, WITH_TAG] }).scope.undo();
  const { storage, heard } = opened(dir);
  await storage.write(add("still works"));
  expect(heard.lines).toEqual([
    `warn ${join(dir, "notes.sqlite")} has 2 migrations and this version knows 1`,
  ]);
});

test("a migration that fails is taken back with those before it when the version ends for it (spec §5.3)", async () => {
  const dir = await dataDir();
  const first = opened(dir);
  await first.storage.write(add("kept"));
  await first.scope.undo();
  const heard = listener();
  const scope = createScope(heard.log);
  const ctx = contextOf({
    name: "notes",
    dir,
    servicesDir: dir,
    dataDir: dir,
    scope,
    events: new ServiceEventBus(heard.log),
    log: heard.log,
  });
  expect(() => openStorage(ctx, { migrations: [TABLE, WITH_TAG, "NONSENSE"] })).toThrow("syntax error");
  await scope.undo(new LoadFailed("init()"));
  const { storage } = opened(dir);
  expect(storage.read.query("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  expect(texts(storage)).toEqual(["kept"]);
});

test("a version that serves keeps its migrations, and the copy of before is gone (spec §5.3)", async () => {
  const dir = await dataDir();
  await opened(dir).scope.undo();
  const second = opened(dir, { migrations: [TABLE, WITH_TAG] });
  const copy = join(dir, "notes.sqlite.before-migration");
  expect(existsSync(copy)).toBe(true);
  await second.events.emit("module:updated", { name: "other" });
  expect(existsSync(copy)).toBe(true);
  await second.events.emit("module:updated", { name: "notes" });
  expect(existsSync(copy)).toBe(false);
  await second.scope.undo(new LoadFailed("too late"));
  expect(opened(dir).storage.read.query("PRAGMA user_version").get()).toEqual({ user_version: 2 });
});

test("what waits when the version ends is committed first; after that nothing is written", async () => {
  const dir = await dataDir();
  const { storage, scope } = opened(dir);
  const last = storage.write(add("last"));
  await scope.undo();
  expect(await last).toBe(1);
  await expect(storage.write(add("after"))).rejects.toMatchObject({ code: "unavailable" });
  expect(texts(opened(dir).storage)).toEqual(["last"]);
  expect(await readdir(dir)).not.toContain("notes.sqlite.before-migration");
});

test("more writes than may wait are refused", async () => {
  const { storage } = opened(await dataDir());
  const results = await Promise.allSettled(
    Array.from({ length: 10_001 }, (_, n) => storage.write(add(`n${n}`))),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10_000);
  expect(results.at(-1)).toMatchObject({ reason: { code: "unavailable" } });
});

test("a name that leaves the data folder or is the tree's is refused", async () => {
  const dir = await dataDir();
  for (const name of ["../x", "a/b", "", "tree", ".hidden"]) {
    expect(() => opened(dir, { name })).toThrow("storage cannot be named");
  }
  opened(dir, { name: "notes-archive" });
  expect(existsSync(join(dir, "notes-archive.sqlite"))).toBe(true);
});

test("a replace whose init fails after its migrations leaves the old version with its data (spec §5.3)", async () => {
  const w = await openWorld();
  const source = (migrations: string[], after: string) => ({
    "index.ts": `import { openStorage } from "#core/storage.js";
const store = { storage: undefined };
export default { name: "notes", store, init(ctx) {
  store.storage = openStorage(ctx, { migrations: ${JSON.stringify(migrations)} });
  ${after}
} };`,
  });
  const storageOf = () => w.registry.live.get("notes")?.module.store as unknown as { storage: Storage };
  await w.service("notes", source([TABLE], ""));
  await w.registry.loadAll();
  await storageOf().storage.write(add("kept"));
  await w.service("notes", source([TABLE, "DROP TABLE note"], "throw new Error('late');"));
  await expect(w.registry.load("notes")).rejects.toThrow("late");
  expect(texts(storageOf().storage)).toEqual(["kept"]);
  await storageOf().storage.write(add("more"));
  await w.service("notes", source([TABLE, WITH_TAG], ""));
  await w.registry.load("notes");
  expect(texts(storageOf().storage)).toEqual(["kept", "more"]);
  await Bun.sleep(1);
  expect(await readdir(w.dataDir)).not.toContain("notes.sqlite.before-migration");
  await w.close();
});
