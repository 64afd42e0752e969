// The invariants of spec §4.1, checked when a node is written.
import { describe, expect, test } from "bun:test";
import type { NewNode } from "../../src/tree/node.js";
import { addTurn, call, event, reply, result, user, withTree } from "./support.js";

const internal = { code: "internal" };
const conflict = { code: "conflict" };

describe("every node", () => {
  test("hangs under a node that exists, and names a cause that exists (spec §4.1)", () =>
    withTree(async (tree) => {
      await expect(tree.append(event("nowhere", "x"))).rejects.toMatchObject(internal);
      await expect(tree.append(event(tree.root(), "x", { causeId: "nowhere" }))).rejects.toMatchObject(
        internal,
      );
      await expect(
        tree.append({ role: "system", parentId: null, content: "second root" }),
      ).rejects.toMatchObject(internal);
    }));

  test("has an id of its own", () =>
    withTree(async (tree) => {
      await expect(tree.append({ ...event(tree.root(), "x"), id: tree.root() })).rejects.toThrow();
      expect(tree.healthy()).toEqual({ ok: true });
    }));

  test("belongs to no task called main", () =>
    withTree(async (tree) => {
      await expect(tree.append(user(tree.root(), "main"))).rejects.toMatchObject(internal);
    }));
});

describe("a tool_result", () => {
  test("hangs under its own call, also when calls run in parallel (spec §4.1)", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const [a, b] = await Promise.all(["a", "b"].map((id) => tree.append(call(prompt.id, "t", id))));
      await expect(tree.append(result(a?.id ?? "", "t", "b"))).rejects.toMatchObject(internal);
      await expect(tree.append(result(prompt.id, "t", "a"))).rejects.toMatchObject(internal);
      expect((await tree.append(result(b?.id ?? "", "t", "b"))).parentId).toBe(b?.id ?? "");
    }));

  test("is the only one of its call: the second of two is a conflict (spec §4.1)", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const started = await tree.append(call(prompt.id, "t", "a"));
      const twice: NewNode[] = [result(started.id, "t", "a"), result(started.id, "t", "a")];
      const outcomes = await Promise.allSettled(twice.map((node) => tree.append(node)));
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected"]);
      expect(outcomes[1]).toMatchObject({ reason: conflict });
    }));
});

describe("the end of a turn", () => {
  test("hangs under the turn's user node and belongs to its task (spec §4.1)", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const answer = await tree.append(reply(prompt.id, "t"));
      await expect(tree.append(event(answer.id, "task_done", { taskId: "t" }))).rejects.toMatchObject(
        internal,
      );
      await expect(tree.append(event(prompt.id, "task_done", { taskId: "u" }))).rejects.toMatchObject(
        internal,
      );
      await expect(tree.append(event(prompt.id, "task_done"))).rejects.toMatchObject(internal);
    }));

  test("comes once, however it ends; the next turn has its own (spec §4.1)", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const late = tree.append(event(turn.user.id, "task_cancelled", { taskId: "t" }));
      await expect(late).rejects.toMatchObject(conflict);
      await addTurn(tree, turn.reply.id, "t");
    }));

  test("leaves no call open: its results may come in the same commit, also behind it (spec §4.1)", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const open = await tree.append(call(prompt.id, "t", "a"));
      const end = event(prompt.id, "task_cancelled", { taskId: "t" });
      await expect(tree.append(end)).rejects.toMatchObject(internal);
      const ended = await tree.commit(() => ({ nodes: [end, result(open.id, "t", "a", true)] }));
      expect(ended).toHaveLength(2);
    }));
});

describe("refs", () => {
  test("point at nodes that exist; main and a task's ref cannot be deleted (spec §4.7)", () =>
    withTree(async (tree) => {
      const point = (refs: Record<string, string | null>) => tree.commit(() => ({ nodes: [], refs }));
      await expect(point({ mark: "nowhere" })).rejects.toMatchObject({ code: "not_found" });
      await addTurn(tree, tree.root(), "t");
      await expect(point({ main: null })).rejects.toMatchObject(conflict);
      await expect(point({ t: null })).rejects.toMatchObject(conflict);
      await point({ mark: tree.root() });
      expect(await tree.ref("mark")).toBe(tree.root());
      await point({ mark: null });
      expect(await tree.ref("mark")).toBeUndefined();
    }));
});
