// The policy of tasks where requests meet in one commit group, held against a real tree and a pool that never delivers.
import { afterEach, describe, expect, test } from "bun:test";
import type { Pool } from "../../src/agent/pool.js";
import type { Log } from "../../src/core/types.js";
import { createSlots } from "../../src/tasks/slots.js";
import { statusOf, type TaskState, type TaskStatus, taskProjection } from "../../src/tasks/status.js";
import { createTasks, type Tasks } from "../../src/tasks/tasks.js";
import { openTree, type Tree } from "../../src/tree/tree.js";
import { removeDir, tempDir } from "../tree/support.js";

const BY = { caller: { kind: "server" as const }, causeId: null };
const quiet = () => {};
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Rig {
  tree: Tree<TaskState>;
  tasks: Tasks;
  /** How many processes are asked for and not given up. */
  wanted(): number;
  /** Makes every commit fail, as a full disk does, until it is called with false. */
  fail(broken: boolean): void;
  status(name: string): Promise<TaskStatus | undefined>;
  events(name: string): Promise<(string | undefined)[]>;
}

async function rig(options: { max?: number; maxQueued?: number; dir?: string } = {}): Promise<Rig> {
  const dir = options.dir ?? tempDir();
  const tree = await openTree({ dir, projection: taskProjection, systemPrompt: "You are a reef agent" });
  undo.push(
    () => removeDir(dir),
    () => tree.close(),
  );
  let broken = false;
  const commit = tree.commit.bind(tree);
  tree.commit = (decide) => (broken ? Promise.reject(new Error("storage unavailable")) : commit(decide));
  const waiting = new Set<object>();
  const take: Pool["take"] = ({ signal }) =>
    new Promise((_, reject) => {
      const want = {};
      waiting.add(want);
      signal?.addEventListener("abort", () => {
        waiting.delete(want);
        reject(signal.reason);
      });
    });
  const tasks = createTasks({
    tree,
    slots: createSlots(options.max ?? 4),
    pool: { take },
    log,
    live: {
      send: quiet,
      redact: (value) => value,
      redactStream: () => ({ push: (text) => text, end: () => "" }),
    },
    now: Date.now,
    cwd: dir,
    model: { provider: "offline", id: "scripted" },
    idleMs: 60_000,
    maxQueued: options.maxQueued ?? 100,
    timeoutSeconds: 0,
    rules: { maxDepth: 5, scopes: [] },
    toolsVersion: () => "1",
    bindToken: () => quiet,
    observe: () => undefined,
  });
  return {
    tree,
    tasks,
    wanted: () => waiting.size,
    fail(now) {
      broken = now;
    },
    async status(name) {
      const state = await tree.task(name);
      return state && statusOf(state.turn);
    },
    async events(name) {
      const nodes = await tree.since(0, 1000);
      return nodes.filter((node) => node.taskId === name).map((node) => node.eventType ?? node.role);
    },
  };
}

const submit = (tasks: Tasks, taskId: string) => tasks.submit({ task: "do it", taskId }, BY);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}

describe("requests of one task that meet in one commit group", () => {
  test("a cancel ends the turn that it cancelled, not the one that reopens the task at once", async () => {
    const { tasks, wanted, status } = await rig();
    await submit(tasks, "t");
    await until(() => wanted() === 1);
    const [cancelled, again] = await Promise.all([tasks.cancel("t"), submit(tasks, "t")]);
    expect([cancelled.status, again.status]).toEqual(["cancelled", "running"]);
    await until(() => wanted() === 1);
    expect(tasks.turn("t")?.who.nodeId).toBe(again.nodeId);
    expect(await status("t")).toBe("running");
    await tasks.cancel("t");
    expect(tasks.counts()).toEqual({ active: 0, queued: 0 });
    expect(wanted()).toBe(0);
  });

  test("a submit that is cancelled at once leaves no turn and no slot behind", async () => {
    const { tasks, status, wanted } = await rig({ max: 1 });
    await Promise.all([submit(tasks, "t"), Promise.resolve().then(() => tasks.cancel("t"))]);
    expect(await status("t")).toBe("cancelled");
    expect((await submit(tasks, "next")).status).toBe("running");
    await until(() => wanted() === 1);
  });

  test("no more turns are queued than the limit, however many submits come at once", async () => {
    const { tasks } = await rig({ max: 1, maxQueued: 2 });
    const names = Array.from({ length: 20 }, (_, n) => `t${n}`);
    const answers = await Promise.allSettled(names.map((name) => submit(tasks, name)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(tasks.counts().queued).toBe(2);
    await tasks.cancel("t0");
    await submit(tasks, "one more");
  });

  test("a reopening that the full queue refuses leaves the turn before it known until that is gone", async () => {
    const { tasks } = await rig({ max: 1, maxQueued: 0 });
    const first = await submit(tasks, "t");
    const cancelling = tasks.cancel("t");
    const refused = submit(tasks, "t");
    await expect(refused).rejects.toThrow("The queue is full");
    expect([first.nodeId, undefined]).toContain(tasks.turn("t")?.who.nodeId);
    await cancelling;
    expect(tasks.turn("t")).toBeUndefined();
    expect((await submit(tasks, "t")).status).toBe("running");
  });
});

describe("sub-tasks", () => {
  test("a submit that was under way when its task was cancelled is refused", async () => {
    const { tasks, status } = await rig();
    const { nodeId } = await submit(tasks, "parent");
    const caller = { kind: "task" as const, taskId: "parent", nodeId, scopes: ["submit"] };
    const child = (taskId: string) => tasks.submit({ task: "help", taskId }, { caller, causeId: nodeId });
    await child("early");
    const [, late] = await Promise.allSettled([tasks.cancel("parent"), child("late")]);
    expect(late.status).toBe("rejected");
    expect([await status("early"), await status("late")]).toEqual(["cancelled", undefined]);
  });
});

describe("a slot", () => {
  test("is free again when the start of a queued turn could not be stored", async () => {
    const { tasks, fail, status } = await rig({ max: 1 });
    await submit(tasks, "first");
    await submit(tasks, "second");
    const cancelling = tasks.cancel("first");
    // Its own commit is under way; what comes next is the start of the second.
    fail(true);
    await cancelling;
    await Bun.sleep(20);
    fail(false);
    await until(() => tasks.turn("second") === undefined);
    expect(await status("second")).toBe("error");
    expect((await submit(tasks, "third")).status).toBe("running");
    expect((await submit(tasks, "second")).status).toBe("queued");
  });
});

describe("shutdown", () => {
  test("a submit whose commit comes after it began is refused", async () => {
    const { tasks, status } = await rig();
    const late = submit(tasks, "late");
    const closing = tasks.close();
    await expect(late).rejects.toThrow("reef is shutting down");
    await closing;
    expect(await status("late")).toBeUndefined();
  });

  test("a task is not cancelled any more once it began, so that it goes on at the next start", async () => {
    const { tasks, events, wanted } = await rig();
    await submit(tasks, "t");
    await until(() => wanted() === 1);
    const closing = tasks.close();
    await expect(tasks.cancel("t")).rejects.toThrow("reef is shutting down");
    await closing;
    expect(await events("t")).toEqual(["user", "run_started", "task_interrupted"]);
  });

  test("in the middle of resuming starts nothing more", async () => {
    const dir = tempDir();
    const before = await rig({ dir });
    for (const name of ["a", "b", "c"]) await submit(before.tasks, name);
    await before.tree.close();
    const { tasks, wanted, status } = await rig({ dir });
    const resuming = tasks.resume();
    await until(() => tasks.turn("a") !== undefined);
    await tasks.close();
    await resuming;
    await Bun.sleep(10);
    expect(wanted()).toBe(0);
    for (const name of ["b", "c"]) expect(["queued", "running"]).toContain((await status(name)) ?? "");
  });
});

describe("resuming", () => {
  test("a question whose time is up while nobody runs settles itself, and its task goes on", async () => {
    const dir = tempDir();
    const before = await rig({ dir });
    const { nodeId } = await submit(before.tasks, "t");
    const request = { method: "confirm", title: "Sure?", timeoutMs: 150 };
    await before.tree.append({
      parentId: nodeId,
      taskId: "t",
      role: "event",
      eventType: "pending",
      content: "Sure?",
      meta: { request },
    });
    await before.tree.close();
    const { tasks, tree, status, wanted } = await rig({ dir });
    await tasks.resume();
    expect(await status("t")).toBe("waiting");
    await until(() => wanted() === 1);
    expect(await status("t")).toBe("running");
    const nodes = await tree.since(0, 100);
    expect(nodes.find((node) => node.eventType === "answer")).toMatchObject({
      source: "timeout",
      content: "cancelled",
    });
  });

  test("leaves a turn alone that a request opened meanwhile", async () => {
    const dir = tempDir();
    const before = await rig({ dir });
    for (const name of ["a", "b"]) await submit(before.tasks, name);
    await before.tree.close();
    const { tasks, events, wanted } = await rig({ dir });
    const resuming = tasks.resume();
    await Promise.all([tasks.cancel("b"), submit(tasks, "b")]);
    await resuming;
    await until(() => wanted() === 2);
    expect(await events("b")).toEqual(["user", "run_started", "task_cancelled", "user", "run_started"]);
  });
});
