// The one write of the tree: what commits do to each other, to those who listen, and what they leave when they fail.
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ReefError } from "../../src/core/errors.js";
import type { TreeNode } from "../../src/tree/node.js";
import {
  addTurn,
  call,
  event,
  ids,
  type Line,
  open,
  recordingLog,
  removeDir,
  tempDir,
  user,
  withTree,
} from "./support.js";

describe("commit", () => {
  test("gives each node the next seq, a ULID and the time of its commit (spec §4.1)", () =>
    withTree(
      async (tree) => {
        const before = tree.newestSeq();
        const node = await tree.append(event(tree.root(), "hello"));
        expect(node.seq).toBe(before + 1);
        expect(node.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
        expect(node.timestamp).toBe(1_700_000_000_000);
        expect(await tree.get(node.id)).toEqual(node);
      },
      { now: () => 1_700_000_000_000 },
    ));

  test("nodes of one commit can refer to each other, and later decisions of a group see earlier ones", () =>
    withTree(async (tree) => {
      let id = "";
      const first = tree.commit((tx) => {
        id = tx.id();
        return { nodes: [{ ...user(tree.root(), "t"), id }, call(id, "t", "c1")] };
      });
      const second = tree.commit((tx) => {
        expect(tx.get(id)?.content).toBe("do it");
        expect(tx.task("t")?.nodes).toBe(2);
        expect(tx.children(id).map((node) => node.role)).toEqual(["tool_call"]);
        expect(tx.ref("t")).toBe(tx.children(id)[0]?.id);
        expect(tx.newestSeq()).toBe(tx.get(id)?.seq === undefined ? 0 : (tx.get(id)?.seq ?? 0) + 1);
        return { nodes: [] };
      });
      expect((await first).map((node) => node.parentId)).toEqual([tree.root(), id]);
      expect(await second).toEqual([]);
    }));

  test("a decision that throws fails alone, and nothing of it is written", () =>
    withTree(async (tree) => {
      const before = tree.newestSeq();
      const outcomes = await Promise.allSettled([
        tree.append(event(tree.root(), "a")),
        tree.commit(() => {
          throw new ReefError("conflict", "too late");
        }),
        tree.commit((tx) => ({ nodes: [event(tx.ref("main") ?? "", "lost"), event("nowhere", "b")] })),
        tree.append(event(tree.root(), "c")),
      ]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual([
        "fulfilled",
        "rejected",
        "rejected",
        "fulfilled",
      ]);
      const added = await tree.since(before, 10);
      expect(added.map((node) => [node.seq, node.content])).toEqual([
        [before + 1, "a"],
        [before + 2, "c"],
      ]);
    }));

  test("what a failed decision did to a task and its ref is gone too", () =>
    withTree(async (tree) => {
      await tree.append(user(tree.root(), "t"));
      const was = [await tree.task("t"), await tree.ref("t")];
      const failed = tree.commit(() => ({ nodes: [user(tree.root(), "t"), event("nowhere", "x")] }));
      await expect(failed).rejects.toThrow("Unknown parent 'nowhere'");
      expect([await tree.task("t"), await tree.ref("t")]).toEqual(was);
    }));

  test("a node is read back as it was announced, whatever text is in it", () =>
    withTree(async (tree) => {
      const heard: TreeNode[] = [];
      tree.subscribe((nodes) => heard.push(...nodes));
      const odd = "nul \u0000, emoji 🐚, half an emoji \ud83d, line \n";
      const meta = { text: odd, list: [1, null, { deep: true }], gone: undefined, when: new Date(0) };
      const node = await tree.append({ ...event(tree.root(), "odd"), content: odd, meta, toolParams: null });
      const read = await tree.get(node.id);
      expect(JSON.stringify(read)).toBe(JSON.stringify(heard[0]));
      expect(read?.content).toBe(odd.toWellFormed());
      expect(read?.meta).toEqual({
        text: odd,
        list: [1, null, { deep: true }],
        when: "1970-01-01T00:00:00.000Z",
      });
      expect(read?.toolParams).toBeNull();
    }));

  test("raw is stored, and comes only when it is asked for (spec §4.1)", () =>
    withTree(async (tree) => {
      const heard: TreeNode[] = [];
      tree.subscribe((nodes) => heard.push(...nodes));
      const prompt = await tree.append(user(tree.root(), "t"));
      const node = await tree.append({
        parentId: prompt.id,
        role: "assistant",
        content: "4",
        raw: { thinking: "…" },
      });
      expect(
        [node, heard[1], await tree.get(node.id), ...(await tree.turn(prompt.id))].every(
          (n) => !("raw" in (n ?? {})),
        ),
      ).toBe(true);
      expect((await tree.get(node.id, { raw: true }))?.raw).toEqual({ thinking: "…" });
      expect((await tree.turn(prompt.id, { raw: true })).map((n) => n.raw)).toEqual([
        undefined,
        { thinking: "…" },
      ]);
      expect((await tree.conversation(node.id, { raw: true })).at(-1)?.raw).toEqual({ thinking: "…" });
    }));

  test("secrets are gone from every part of a node before it is stored (spec §1.5)", async () => {
    const redact = <T>(value: T): T =>
      JSON.parse(JSON.stringify(value).replaceAll("hunter22", "[redacted:TOKEN]"));
    await withTree(
      async (tree, dir) => {
        const prompt = await tree.append({
          ...user(tree.root(), "t"),
          content: "use hunter22",
          raw: { text: "hunter22" },
        });
        const started = await tree.append({
          ...call(prompt.id, "t", "c"),
          toolParams: { token: "hunter22" },
          meta: { a: ["hunter22"] },
        });
        const text = { type: "text" as const, text: "hunter22" };
        await tree.append({
          parentId: started.id,
          role: "tool_result",
          content: "hunter22",
          toolCallId: "c",
          result: { content: [text] },
        });
        expect(prompt.content).toBe("use [redacted:TOKEN]");
        expect(await Bun.file(join(dir, "tree.sqlite-wal")).text()).not.toContain("hunter22");
      },
      { redact },
    );
  });
});

describe("subscribe", () => {
  test("hears a group once, after the commit and before its promises resolve", () =>
    withTree(async (tree) => {
      const order: string[] = [];
      tree.subscribe((nodes) =>
        order.push(`heard ${nodes.map((node) => node.content).join()} at ${tree.newestSeq()}`),
      );
      await Promise.all(
        ["a", "b"].map((type) => tree.append(event(tree.root(), type)).then(() => order.push(type))),
      );
      expect(order).toEqual(["heard a,b at 3", "a", "b"]);
    }));

  test("a listener that throws takes nothing from the others, and is heard no more once it left", async () => {
    const lines: Line[] = [];
    await withTree(
      async (tree) => {
        const heard: string[] = [];
        const leave = tree.subscribe(() => {
          throw new Error("no");
        });
        tree.subscribe((nodes) => heard.push(...ids(nodes)));
        const first = await tree.append(event(tree.root(), "a"));
        leave();
        const second = await tree.append(event(tree.root(), "b"));
        expect(heard).toEqual([first.id, second.id]);
        expect(lines.map((line) => line.level)).toEqual(["error"]);
      },
      { log: recordingLog(lines) },
    );
  });
});

describe("a disk that cannot be written", () => {
  test("rejects the whole group with 507, leaves nothing, and is forgotten after the next write (spec §1.5)", () =>
    withTree(async (tree, dir) => {
      await addTurn(tree, tree.root(), "t");
      const was = [tree.newestSeq(), await tree.ref("t"), await tree.task("t"), await tree.counts()];
      const other = new Database(join(dir, "tree.sqlite"));
      other.run("BEGIN IMMEDIATE");
      const failed = await Promise.allSettled([
        tree.append(user(tree.root(), "t")),
        tree.append(user(tree.root(), "u")),
      ]);
      for (const outcome of failed)
        expect(outcome).toMatchObject({
          reason: { code: "insufficient_storage", message: "storage unavailable" },
        });
      expect(tree.healthy()).toMatchObject({ ok: false, detail: expect.stringContaining("locked") });
      expect([tree.newestSeq(), await tree.ref("t"), await tree.task("t"), await tree.counts()]).toEqual(was);
      other.run("ROLLBACK");
      other.close();
      expect((await tree.append(user(tree.root(), "u"))).seq).toBe((was[0] as number) + 1);
      expect(tree.healthy()).toEqual({ ok: true });
    }));
});

describe("close", () => {
  test("writes what waits, and refuses what comes later", async () => {
    const dir = tempDir();
    const tree = await open(dir);
    const waiting = tree.append(event(tree.root(), "last"));
    await tree.close();
    const node = await waiting;
    await expect(tree.append(event(tree.root(), "late"))).rejects.toMatchObject({ code: "unavailable" });
    await tree.close();
    const again = await open(dir);
    expect(await again.get(node.id)).toEqual(node);
    await again.close();
    removeDir(dir);
  });
});
