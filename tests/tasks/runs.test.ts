// Which runs are live, and when those that no longer are may be left out.
import { expect, test } from "bun:test";
import { Progress } from "../../src/tasks/progress.js";
import { runsOf } from "../../src/tasks/runs.js";
import type { TaskState } from "../../src/tasks/status.js";
import { event, fold, user } from "./samples.js";

const never = new Promise<void>(() => {});

function state(name: string, nodeId: string, ...events: string[]): TaskState {
  const meta = { attempt: 1, model: "offline/scripted", thinking: "low" };
  const nodes = events.map((type) => event(type, { id: `${nodeId}-${type}`, parentId: nodeId, meta }));
  return fold(user({ cwd: "/there" }, { id: nodeId, taskId: name }), ...nodes);
}

function rig(...states: TaskState[]) {
  const tree = { task: async (name: string) => states.find((one) => one.name === name) };
  return { tree, now: () => 1000, cwd: "/here" };
}

test("a run is live from its hand-over on, in order of the hand-overs", async () => {
  const ports = rig(
    state("a", "u1", "run_started"),
    state("b", "u2", "run_started", "pending"),
    state("c", "u3"),
  );
  const turns = [
    { who: { taskId: "a", nodeId: "u1" }, progress: new Progress(11, 300), gone: never },
    { who: { taskId: "b", nodeId: "u2" }, progress: new Progress(12, 200), gone: never },
    { who: { taskId: "c", nodeId: "u3" }, progress: undefined, gone: never },
  ];
  const runs = await runsOf(turns, ports);
  expect(runs.map(({ taskId, status, elapsedMs }) => [taskId, status, elapsedMs])).toEqual([
    ["b", "waiting", 800],
    ["a", "running", 700],
  ]);
  expect(runs[0]).toMatchObject({
    pid: 12,
    cwd: "/there",
    attempt: 1,
    pending: ["u2-pending"],
    thinking: "low",
  });
});

test.each([
  ["a turn that is over", state("t", "u1", "run_started", "task_done")],
  ["a turn after which the task was reopened", state("t", "u2", "run_started")],
])("%s is left out, and the answer waits until its process is gone", async (_what, now) => {
  const gone = Promise.withResolvers<void>();
  let answered = false;
  const who = { taskId: "t", nodeId: "u1" };
  const turn = { who, progress: new Progress(11, 300), gone: gone.promise };
  const runs = runsOf([turn], rig(now)).then((found) => {
    answered = true;
    return found;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  gone.resolve();
  expect(await runs).toEqual([]);
});
