// What opening the tree does: the root, a new system prompt, and a file that is damaged, newer or foreign.
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/core/errors.js";
import { addTurn, event, ids, type Line, open, recordingLog, removeDir, tempDir } from "./support.js";

describe("the root", () => {
  test("is the system prompt of the first start, and main points at it (spec §4.6)", () =>
    inTempDir(async (dir) => {
      const tree = await open(dir);
      const root = await tree.get(tree.root());
      expect(root).toMatchObject({ seq: 1, parentId: null, role: "system", content: "You are a reef agent" });
      expect(await tree.refs()).toEqual({ main: tree.root() });
      await tree.close();
      const again = await open(dir);
      expect([again.root(), again.newestSeq()]).toEqual([root?.id ?? "", 1]);
      await again.close();
    }));

  test("stays when the prompt differs at a later start: a node under it takes main (spec §4.6)", () =>
    inTempDir(async (dir) => {
      const root = await openOnce(dir, (tree) => tree.root());
      const second = await openOnce(dir, (tree) => tree.ref("main"), "Be brief");
      const third = await openOnce(dir, (tree) => tree.ref("main"), "Be brief");
      expect(second).toBe(third as string);
      const tree = await open(dir, { systemPrompt: "Be brief" });
      expect(await tree.get(second ?? "")).toMatchObject({
        parentId: root,
        role: "system",
        content: "Be brief",
        seq: 2,
      });
      expect([tree.root(), tree.newestSeq()]).toEqual([root, 2]);
      await tree.close();
    }));

  test("keeps a main that was moved by hand while the prompt stays the same (spec §4.7)", () =>
    inTempDir(async (dir) => {
      const tree = await open(dir);
      const node = await tree.append(event(tree.root(), "here"));
      await tree.commit(() => ({ nodes: [], refs: { main: node.id } }));
      await tree.close();
      expect(await openOnce(dir, (again) => again.ref("main"))).toBe(node.id);
    }));

  test("is compared as it is stored, so a prompt with a secret in it makes no node at each start", () =>
    inTempDir(async (dir) => {
      const redact = <T>(value: T): T =>
        JSON.parse(JSON.stringify(value).replaceAll("hunter22", "[redacted:TOKEN]"));
      for (let start = 0; start < 2; start++) {
        const tree = await open(dir, { systemPrompt: "Say hunter22 \ud83d", redact });
        expect([tree.newestSeq(), (await tree.get(tree.root()))?.content]).toEqual([
          1,
          "Say [redacted:TOKEN] \ufffd",
        ]);
        await tree.close();
      }
    }));
});

describe("a damaged file", () => {
  test("that is no database is kept aside as it is, the start refuses, and the next one says where it lies", () =>
    inTempDir(async (dir) => {
      const garbage = "this is no database\n".repeat(500);
      writeFileSync(join(dir, "tree.sqlite"), garbage);
      const message = await refusal(dir);
      const aside = readdirSync(dir).find((name) => name.startsWith("tree.sqlite.damaged-")) ?? "";
      expect(message).toContain(join(dir, aside));
      expect(message).not.toContain("\n");
      expect(readFileSync(join(dir, aside), "utf8")).toBe(garbage);
      expect(readdirSync(dir)).toEqual([aside]);
      const lines: Line[] = [];
      await (await open(dir, { log: recordingLog(lines) })).close();
      expect(lines.find((line) => line.level === "warn")?.text).toContain(aside);
    }));

  test("is found after an unclean stop, and kept with what belongs to it", () =>
    inTempDir(async (dir) => {
      await damagedTree(dir);
      const before = readFileSync(join(dir, "tree.sqlite"));
      markUnclean(dir);
      expect(await refusal(dir)).toContain("is damaged");
      const aside = readdirSync(dir).find((name) => /damaged-[0-9TZ-]+$/.test(name)) ?? "";
      expect(readFileSync(join(dir, aside)).byteLength).toBe(before.byteLength);
      expect(readdirSync(dir)).not.toContain("tree.sqlite");
    }));

  test("is one from which nodes are missing, too (spec §4.1)", () =>
    inTempDir(async (dir) => {
      const tree = await open(dir);
      const turn = await addTurn(tree, tree.root(), "t");
      await tree.close();
      const db = new Database(join(dir, "tree.sqlite"));
      db.run("DELETE FROM nodes WHERE seq = ?", [turn.call.seq]);
      db.close();
      markUnclean(dir);
      expect(await refusal(dir)).toContain("(nodes are missing)");
    }));

  test("is not looked for after a clean stop, since that reads the whole file", () =>
    inTempDir(async (dir) => {
      await damagedTree(dir);
      await (await open(dir)).close();
      expect(readdirSync(dir)).toEqual(["tree.sqlite"]);
    }));

  test("never takes the place of another that was kept in the same second", () =>
    inTempDir(async (dir) => {
      for (const text of ["one", "two"]) {
        writeFileSync(join(dir, "tree.sqlite"), text.repeat(500));
        await refusal(dir, { now: () => 0 });
      }
      expect(readdirSync(dir).sort()).toEqual([
        "tree.sqlite.damaged-1970-01-01T000000Z",
        "tree.sqlite.damaged-1970-01-01T000000Z-2",
      ]);
    }));
});

describe("a file that is not for this reef", () => {
  test("but for a newer one, is refused and stays as it is", () =>
    inTempDir(async (dir) => {
      await openOnce(dir, (tree) => tree.root());
      const db = new Database(join(dir, "tree.sqlite"));
      db.run("PRAGMA user_version = 2");
      db.close();
      const before = readFileSync(join(dir, "tree.sqlite"));
      expect(await refusal(dir)).toContain("made by a newer reef");
      expect(readFileSync(join(dir, "tree.sqlite"))).toEqual(before);
    }));

  test("nor for any, is refused and stays as it is", () =>
    inTempDir(async (dir) => {
      const db = new Database(join(dir, "tree.sqlite"), { create: true });
      db.run("CREATE TABLE recipes (name TEXT)");
      db.close();
      const before = readFileSync(join(dir, "tree.sqlite"));
      expect(await refusal(dir)).toContain("not a tree of reef");
      expect(readFileSync(join(dir, "tree.sqlite"))).toEqual(before);
    }));

  test("nor can be written now, is refused with the reason", () =>
    inTempDir(async (dir) => {
      await openOnce(dir, (tree) => tree.root());
      const other = new Database(join(dir, "tree.sqlite"));
      other.run("BEGIN IMMEDIATE");
      expect(await refusal(dir)).toContain("cannot be written (database is locked)");
      other.close();
      expect(await openOnce(dir, (tree) => tree.newestSeq())).toBe(1);
    }));

  test("an empty one is filled", () =>
    inTempDir(async (dir) => {
      writeFileSync(join(dir, "tree.sqlite"), "");
      expect(await openOnce(dir, (tree) => tree.newestSeq())).toBe(1);
    }));
});

test("the order stays that of the commits when the clock goes back between two starts", () =>
  inTempDir(async (dir) => {
    const added: string[] = [];
    for (const time of [2_000_000, 1_000_000]) {
      const tree = await open(dir, { now: () => time });
      added.push((await tree.append(event(tree.root(), "x"))).id);
      await tree.close();
    }
    const tree = await open(dir);
    expect(ids(await tree.since(1, 9))).toEqual(added);
    await tree.close();
  }));

async function inTempDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = tempDir();
  try {
    await use(dir);
  } finally {
    removeDir(dir);
  }
}

type Opened = Awaited<ReturnType<typeof open>>;

async function openOnce<T>(
  dir: string,
  read: (tree: Opened) => T | Promise<T>,
  systemPrompt?: string,
): Promise<T> {
  const tree = await open(dir, systemPrompt === undefined ? {} : { systemPrompt });
  const value = await read(tree);
  await tree.close();
  return value;
}

async function refusal(dir: string, options = {}): Promise<string> {
  return open(dir, options).then(() => "no refusal", messageOf);
}

/** Two pages in the middle, where nothing is read at a start. */
async function damagedTree(dir: string): Promise<void> {
  const tree = await open(dir);
  for (let i = 0; i < 40; i++) await addTurn(tree, tree.root(), `t-${i}`);
  await tree.commit(() => ({ nodes: Array.from({ length: 3000 }, () => event(tree.root(), "x")) }));
  await tree.close();
  const bytes = readFileSync(join(dir, "tree.sqlite"));
  const middle = Math.floor(bytes.byteLength / 8192) * 4096;
  writeFileSync(join(dir, "tree.sqlite"), bytes.fill(0xab, middle, middle + 8192));
}

function markUnclean(dir: string): void {
  const db = new Database(join(dir, "tree.sqlite"));
  db.run("INSERT INTO meta VALUES ('open', '0')");
  db.close();
}
