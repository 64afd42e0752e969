// A tree in the single-file form is taken over (spec §4.13).
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { event, ids, type Line, open, recordingLog, removeDir, tempDir } from "./support.js";

type Fields = Record<string, unknown>;
const node = (id: string, parentId: string | null, role: string, timestamp: number, more: Fields = {}) => ({
  id,
  parentId,
  role,
  content: id,
  timestamp,
  ...more,
});

/** Two tasks that are over, one of them archived, one that was running, an event, and a node without its parent. */
const TREE = {
  nodes: byId([
    node("n1", null, "system", 100),
    node("n2", "n1", "user", 200),
    node("n3", "n2", "tool_call", 210, { toolName: "bash", toolParams: { command: "ls" } }),
    node("n4", "n3", "tool_result", 220, {
      toolCallId: "c1",
      result: { content: [{ type: "text", text: "a" }] },
    }),
    node("n5", "n2", "assistant", 230),
    node("n6", "n1", "event", 240, { eventType: "cron_start", source: "cron", meta: { job: 1 } }),
    node("n7", "n5", "user", 250),
    node("n8", "gone", "event", 90),
    node("n9", "n1", "user", 150),
  ]),
  refs: { main: "n1", one: "n5", two: "n7", old: "a2", lost: "nowhere" },
  tasks: {
    one: {
      status: "done",
      trigger: "n2",
      createdAt: 200,
      completedAt: 231,
      artifacts: { summary: "did it" },
    },
    two: { status: "running", trigger: "n7", createdAt: 250 },
    old: {
      status: "error",
      trigger: "n9",
      createdAt: 150,
      completedAt: 160,
      artifacts: { error: "no model" },
    },
  },
  root: "n1",
  archivedTasks: ["old"],
};
const ARCHIVE = {
  taskName: "old",
  nodes: [node("n9", "n1", "user", 150), node("a2", "n9", "assistant", 155)],
};
const NOW = 9000;

describe("import", () => {
  test("keeps ids, parents, texts and times, gives seqs parents first and then by time (spec §4.13)", () =>
    withFiles({ "tree.json": TREE, "archive/old.json": ARCHIVE }, async (dir) => {
      const tree = await open(dir, { systemPrompt: "n1", now: () => NOW });
      const nodes = await tree.since(0, 99);
      const kept = nodes.filter((one) => one.id.length === 2);
      expect(ids(kept)).toEqual(["n1", "n8", "n9", "a2", "n2", "n3", "n4", "n5", "n6", "n7"]);
      for (const one of kept) {
        const old = TREE.nodes[one.id] ?? node("a2", "n9", "assistant", 155);
        const parentId = one.id === "n8" ? "n1" : old.parentId;
        expect(one).toMatchObject({
          parentId,
          role: old.role,
          content: old.content,
          timestamp: old.timestamp,
        });
      }
      expect((await tree.get("n8"))?.meta).toEqual({ orphanOf: "gone" });
      expect(await tree.get("n6")).toMatchObject({
        eventType: "cron_start",
        source: "cron",
        meta: { job: 1 },
      });
      expect(tree.root()).toBe("n1");
      expect(nodes.map((one) => one.seq)).toEqual(nodes.map((_, i) => i + 1));
      await tree.close();
    }));

  test("gives the tasks their nodes, refs and ends: one that was running ends in an error (spec §4.13)", () =>
    withFiles({ "tree.json": TREE, "archive/old.json": ARCHIVE }, async (dir) => {
      const lines: Line[] = [];
      const tree = await open(dir, { systemPrompt: "n1", now: () => NOW, log: recordingLog(lines) });
      const owned = Object.groupBy(await tree.since(0, 99), (one) => one.taskId ?? "none");
      expect(ids(owned.one ?? []).slice(0, 4)).toEqual(["n2", "n3", "n4", "n5"]);
      expect(ids(owned.old ?? []).slice(0, 2)).toEqual(["n9", "a2"]);
      expect(ids(owned.none ?? [])).toEqual(["n1", "n8", "n6"]);
      expect(owned.two?.[0]?.id).toBe("n7");
      expect(owned.one?.at(-1)).toMatchObject({
        eventType: "task_done",
        parentId: "n2",
        meta: { summary: "did it", replyId: "n5" },
      });
      expect(owned.old?.at(-1)).toMatchObject({
        eventType: "task_error",
        parentId: "n9",
        content: "no model",
        timestamp: 160,
      });
      const interrupted = {
        eventType: "task_error",
        parentId: "n7",
        content: "Interrupted before import",
        timestamp: NOW,
      };
      expect(owned.two?.at(-1)).toMatchObject(interrupted);
      expect((await tree.counts()).byStatus).toEqual({ done: 1, error: 2 });
      expect(await tree.refs()).toEqual({ main: "n1", old: "a2", one: "n5", two: "n7" });
      expect(lines.filter((line) => line.level === "warn").map((line) => line.text)).toEqual([
        "tree.json: ref 'lost' points at no node",
      ]);
      await tree.close();
    }));

  test("gives a call and its result the same toolCallId, which a model has to be sent", () =>
    withFiles({ "tree.json": TREE }, async (dir) => {
      const tree = await open(dir);
      expect([(await tree.get("n3"))?.toolCallId, (await tree.get("n4"))?.toolCallId]).toEqual(["c1", "c1"]);
      await tree.close();
    }));

  test("happens once and never changes the files (spec §4.13)", () =>
    withFiles({ "tree.json": TREE, "archive/old.json": ARCHIVE }, async (dir) => {
      const before = contents(dir);
      await (await open(dir, { systemPrompt: "n1" })).close();
      const tree = await open(dir, { systemPrompt: "n1" });
      expect(tree.newestSeq()).toBe(13);
      expect(contents(dir)).toEqual(before);
      await tree.close();
    }));

  test("of a tree with another system prompt puts the configured one under the root, where main moves (spec §4.6)", () =>
    withFiles({ "tree.json": TREE }, async (dir) => {
      const tree = await open(dir);
      const main = await tree.get((await tree.ref("main")) ?? "");
      expect(main).toMatchObject({ parentId: "n1", role: "system", content: "You are a reef agent" });
      await tree.close();
    }));

  test("reads what another hand wrote: lists, circles, unknown roles, and no root", () =>
    withFiles(
      {
        "tree.json": {
          nodes: [
            {
              id: "a",
              parentId: "b",
              role: "robot",
              content: { deep: 1 },
              timestamp: "2020-01-01T00:00:00Z",
            },
            { id: "b", parentId: "a", role: "event", timestamp: 5, meta: "text" },
            { id: "c", parentId: null, role: "tool_result", content: "r", timestamp: 1.5, result: "plain" },
          ],
        },
      },
      async (dir) => {
        const tree = await open(dir);
        expect(await tree.get("a")).toMatchObject({
          role: "event",
          eventType: "robot",
          content: '{"deep":1}',
          timestamp: 1577836800000,
        });
        expect(await tree.get("b")).toMatchObject({ content: "", meta: { value: "text" } });
        expect(await tree.get("c")).toMatchObject({
          parentId: tree.root(),
          meta: { orphanOf: null },
          timestamp: 1,
        });
        expect((await tree.get("c"))?.result).toEqual({ content: [{ type: "text", text: "plain" }] });
        expect(await tree.get(tree.root())).toMatchObject({
          role: "system",
          content: "You are a reef agent",
          seq: 1,
        });
        for (const id of ["a", "b", "c"]) expect((await tree.path(id))[0]?.id).toBe(tree.root());
        await tree.close();
      },
    ));

  test("takes out secrets before anything is stored (spec §1.5)", () =>
    withFiles(
      { "tree.json": { nodes: [node("hunter22-free", null, "system", 1, { content: "say hunter22" })] } },
      async (dir) => {
        const redact = <T>(value: T): T =>
          typeof value === "string" ? (value.replaceAll("hunter22", "[redacted:T]") as T) : value;
        const tree = await open(dir, { redact });
        expect((await tree.get("hunter22-free"))?.content).toBe("say [redacted:T]");
        await tree.close();
      },
    ));
});

describe("a file that cannot be read", () => {
  test("leaves a new tree with an import_failed, and is tried again while nothing else is there (spec §4.13)", () =>
    withFiles({ "tree.json": TREE, "archive/old.json": "no JSON" }, async (dir) => {
      const lines: Line[] = [];
      const tree = await open(dir, { log: recordingLog(lines) });
      const [root, failed] = await tree.since(0, 99);
      expect(root).toMatchObject({ role: "system", content: "You are a reef agent" });
      expect(failed).toMatchObject({ eventType: "import_failed", parentId: root?.id ?? "" });
      expect(failed?.content).toStartWith("tree.json could not be imported: archive/old.json: ");
      expect(lines.map((line) => line.level)).toEqual(["error"]);
      await tree.close();
      rmSync(join(dir, "archive/old.json"));
      const again = await open(dir);
      expect(again.root()).toBe(root?.id ?? "");
      expect(await again.get("n1")).toMatchObject({ parentId: root?.id ?? "", content: "n1" });
      expect((await again.counts()).byStatus).toEqual({ done: 1, error: 1 });
      await again.close();
    }));

  test("is left alone once something else is in the tree (spec §4.13)", () =>
    withFiles({ "tree.json": "no JSON" }, async (dir) => {
      const tree = await open(dir);
      await tree.append(event(tree.root(), "work"));
      await tree.close();
      writeFileSync(join(dir, "tree.json"), JSON.stringify(TREE));
      const again = await open(dir);
      expect(again.newestSeq()).toBe(3);
      await again.close();
    }));

  test("writes nothing of what came before the fault", () =>
    withFiles({ "tree.json": { nodes: { ...TREE.nodes, bad: 7 } } }, async (dir) => {
      const tree = await open(dir);
      expect((await tree.since(0, 99)).map((one) => one.eventType ?? one.role)).toEqual([
        "system",
        "import_failed",
      ]);
      await tree.close();
    }));
});

function byId(nodes: ReturnType<typeof node>[]): Record<string, ReturnType<typeof node>> {
  return Object.fromEntries(nodes.map((one) => [one.id, one]));
}

async function withFiles(files: Record<string, unknown>, use: (dir: string) => Promise<void>): Promise<void> {
  const dir = tempDir();
  mkdirSync(join(dir, "archive"));
  for (const [name, held] of Object.entries(files))
    writeFileSync(join(dir, name), typeof held === "string" ? held : JSON.stringify(held));
  try {
    await use(dir);
  } finally {
    removeDir(dir);
  }
}

function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true }).map(String);
  return Object.fromEntries(
    names
      .filter((name) => name.endsWith(".json"))
      .map((name) => [name, readFileSync(join(dir, name), "utf8")]),
  );
}
