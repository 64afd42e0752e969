// What is derived from the nodes: refs, the states of tasks, their lists and counts.
import { describe, expect, test } from "bun:test";
import type { Projection } from "../../src/tree/projection.js";
import { openTree } from "../../src/tree/tree.js";
import {
  addTurn,
  type Count,
  call,
  counting,
  event,
  open,
  removeDir,
  reply,
  result,
  tempDir,
  user,
  withTree,
} from "./support.js";

describe("a task's ref", () => {
  test("moves with user, assistant, tool_call and tool_result, and never with an event (spec §4.7)", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const leaves = [await tree.ref("t")];
      await tree.append(event(prompt.id, "run_started", { taskId: "t" }));
      leaves.push(await tree.ref("t"));
      const started = await tree.append(call(prompt.id, "t", "a"));
      leaves.push(await tree.ref("t"));
      const returned = await tree.append(result(started.id, "t", "a"));
      leaves.push(await tree.ref("t"));
      const answer = await tree.append(reply(prompt.id, "t"));
      await tree.append(event(prompt.id, "task_done", { taskId: "t" }));
      leaves.push(await tree.ref("t"));
      expect(leaves).toEqual([prompt.id, prompt.id, started.id, returned.id, answer.id]);
      expect(await tree.refs()).toEqual({ main: tree.root(), t: answer.id });
    }));

  test("goes where the commit says, when it says so", () =>
    withTree(async (tree) => {
      const one = await addTurn(tree, tree.root(), "t");
      await tree.commit(() => ({
        nodes: [event(one.user.id, "ref_moved", { taskId: "t" })],
        refs: { t: one.user.id },
      }));
      expect(await tree.ref("t")).toBe(one.user.id);
    }));
});

describe("the states of tasks", () => {
  test("are listed by creation, whatever happened since, page by page (spec §2.7)", () =>
    withTree(async (tree) => {
      for (const name of ["c", "a", "b", "d"]) await tree.append(user(tree.root(), name));
      await tree.append(user(tree.root(), "c"));
      const first = await tree.tasks({ limit: 3 });
      expect(first.tasks.map((task) => task.name)).toEqual(["c", "a", "b"]);
      expect(first.more).toBe(true);
      const rest = await tree.tasks({ after: first.tasks.at(-1)?.created, limit: 3 });
      expect(rest.tasks.map((task) => task.name)).toEqual(["d"]);
      expect(rest.more).toBe(false);
    }));

  test("are filtered by one or several statuses, in the same order", () =>
    withTree(async (tree) => {
      await addTurn(tree, tree.root(), "done-1");
      await tree.append(user(tree.root(), "queued-1"));
      await addTurn(tree, tree.root(), "done-2");
      const running = await tree.append(user(tree.root(), "running-1"));
      await tree.append(event(running.id, "run_started", { taskId: "running-1" }));
      const names = async (...status: string[]) =>
        (await tree.tasks({ status, limit: 10 })).tasks.map((task) => task.name);
      expect(await names("done")).toEqual(["done-1", "done-2"]);
      expect(await names("running", "done", "done")).toEqual(["done-1", "done-2", "running-1"]);
      expect(await names("nothing")).toEqual([]);
      expect((await tree.tasks({ status: ["queued", "done"], limit: 2 })).more).toBe(true);
    }));

  test("are counted by status as they change, also over a restart", async () => {
    const dir = tempDir();
    const tree = await open(dir);
    const queued = await tree.append(user(tree.root(), "a"));
    await addTurn(tree, tree.root(), "b");
    expect(await tree.counts()).toEqual({ nodes: 7, tasks: 2, byStatus: { queued: 1, done: 1 }, seq: 7 });
    await tree.append(event(queued.id, "task_cancelled", { taskId: "a" }));
    const counts = { nodes: 8, tasks: 2, byStatus: { done: 1, cancelled: 1 }, seq: 8 };
    expect(await tree.counts()).toEqual(counts);
    await tree.close();
    const again = await open(dir);
    expect(await again.counts()).toEqual(counts);
    expect(await again.task("a")).toMatchObject({ status: "cancelled", nodes: 2 });
    expect(await again.task("nobody")).toBeUndefined();
    await again.close();
    removeDir(dir);
  });

  test("hold more tasks than are kept in memory", () =>
    withTree(async (tree) => {
      const names = Array.from({ length: 1500 }, (_, i) => `t-${i}`);
      await tree.commit(() => ({ nodes: names.map((name) => user(tree.root(), name)) }));
      await Promise.all(names.map((name) => tree.append(user(tree.root(), name))));
      const states = await Promise.all(names.map((name) => tree.task(name)));
      expect(states.every((state) => state?.nodes === 2)).toBe(true);
    }));

  test("come out the same when they are made again from the nodes alone (spec §4.4)", () =>
    withTree(async (tree) => {
      for (const name of ["a", "b", "c"]) await addTurn(tree, tree.root(), name);
      await tree.append(user(tree.root(), "a"));
      const live = [await tree.tasks({ limit: 10 }), await tree.counts()];
      await tree.rebuildTasks();
      expect([await tree.tasks({ limit: 10 }), await tree.counts()]).toEqual(live);
      await tree.append(event((await tree.task("a"))?.last ?? "", "task_done", { taskId: "a" }));
      expect((await tree.counts()).byStatus).toEqual({ done: 3 });
    }));

  test("states that an older version folded in another way are made again when the tree is opened", async () => {
    const dir = tempDir();
    const open = (projection: Projection<Count>) => openTree({ dir, systemPrompt: "p", projection });
    const first = await open(counting);
    await addTurn(first, first.root(), "a");
    await first.close();
    const shouting = { ...counting, version: 2, status: (state: Count) => state.status.toUpperCase() };
    const second = await open(shouting);
    expect((await second.counts()).byStatus).toEqual({ DONE: 1 });
    await second.close();
    removeDir(dir);
  });

  test("tasks are listed newest first too, page by page", () =>
    withTree(async (tree) => {
      for (const name of ["a", "b", "c"]) await addTurn(tree, tree.root(), name);
      const page = await tree.tasks({ newestFirst: true, limit: 2 });
      expect(page.tasks.map(({ name }) => name)).toEqual(["c", "b"]);
      const rest = await tree.tasks({ newestFirst: true, limit: 2, after: page.tasks.at(-1)?.created });
      expect([rest.tasks.map(({ name }) => name), rest.more]).toEqual([["a"], false]);
    }));
});
