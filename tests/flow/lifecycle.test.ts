// Cancelling, steering, waiting in line and failing: every state of a task, with the real pi.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, processesWith, type Reef, startReef, type Task } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

const ends = ({ nodes, name }: Task) =>
  nodes.filter(
    (node) =>
      node.taskId === name && ["task_done", "task_error", "task_cancelled"].includes(node.eventType ?? ""),
  );
const openCalls = ({ nodes }: Task) =>
  nodes.filter(
    (node) =>
      node.role === "tool_call" &&
      !nodes.some((other) => other.role === "tool_result" && other.parentId === node.id),
  );

async function cancelled(name: string): Promise<Task> {
  const started = performance.now();
  const answer = await reef.api("POST", `/reef/tasks/${name}/cancel`, { reason: "enough" });
  expect(performance.now() - started).toBeLessThan(5_500);
  const task = await reef.over(name);
  expect(task.status).toBe("cancelled");
  expect(answer).toMatchObject({ id: name, status: "cancelled", nodeId: ends(task)[0]?.id ?? "" });
  expect(ends(task)).toHaveLength(1);
  expect(openCalls(task)).toEqual([]);
  return task;
}

describe("cancel lands in every state (spec §4.5, §13.9)", () => {
  test("right after the 202", async () => {
    await reef.submit({ task: "Run `sleep 7001`.", taskId: "at-once" });
    await cancelled("at-once");
    expect(processesWith("sleep 7001")).toEqual([]);
  });

  test("in a tool, with children that left its process group", async () => {
    await reef.submit({ task: "Run `sleep 7002 & setsid sleep 7002 & sleep 7002`.", taskId: "tool" });
    await reef.until("tool", (nodes) => nodes.some((node) => node.role === "tool_call"));
    while (processesWith("sleep 7002").length < 3) await Bun.sleep(20);
    const task = await cancelled("tool");
    expect(task.nodes.find((node) => node.role === "tool_result")).toMatchObject({
      content: "cancelled",
      isError: true,
    });
    expect(processesWith("7002")).toEqual([]);
  });

  test("in a stream: the text so far is kept", async () => {
    await reef.submit({ task: "slow: 500 words every 20 ms", taskId: "stream" });
    const seen = await nextFrame("/reef/events?taskId=stream&types=message_update");
    expect(seen).toContain("text_");
    await Bun.sleep(200);
    const task = await cancelled("stream");
    const reply = task.nodes.find((node) => node.role === "assistant" && node.taskId === "stream");
    expect(reply?.content).toStartWith("word1 word2");
    expect(reply?.meta?.stopReason).toBe("aborted");
  });

  test("in a retry wait", async () => {
    await reef.submit({ task: "fail: overloaded mid-stream always\nWhat is 2+2? (retry)", taskId: "retry" });
    expect(await nextFrame("/reef/events?taskId=retry&types=auto_retry_start")).toContain("auto_retry_start");
    await cancelled("retry");
  });

  test("again gives the same answer, and a task that is done refuses", async () => {
    const first = await reef.api("POST", "/reef/tasks/retry/cancel");
    expect(await reef.api("POST", "/reef/tasks/retry/cancel")).toEqual(first);
    await reef.submit({ task: "What is 2+2?", taskId: "finished" });
    await reef.over("finished");
    const refused = await reef.fetch("/reef/tasks/finished/cancel", { method: "POST" });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({ error: "Task 'finished' is done", code: "conflict" });
  });

  test("and takes the sub-tasks with it", async () => {
    await reef.submit({ task: "Ask a sub-task: Run `sleep 7003`.", taskId: "parent" });
    await reef.until("parent", (nodes) => nodes.some((node) => node.role === "tool_call"));
    let child: { name: string; status: string } | undefined;
    while (!child) {
      const { tasks } = await reef.api("GET", "/reef/tasks?status=running");
      child = tasks.find((task: { submittedBy: string }) => task.submittedBy === "task:parent");
    }
    await cancelled("parent");
    expect((await reef.over(child.name)).status).toBe("cancelled");
    expect(processesWith("sleep 7003")).toEqual([]);
  });

  test("but not with children:false, although the call that waits for one is aborted", async () => {
    await reef.submit({ task: "Ask a sub-task: Run `sleep 1; echo done`.", taskId: "alone" });
    let child: { name: string; status: string } | undefined;
    while (!child) {
      const { tasks } = await reef.api("GET", "/reef/tasks?status=running");
      child = tasks.find((task: { submittedBy: string }) => task.submittedBy === "task:alone");
    }
    await reef.api("POST", "/reef/tasks/alone/cancel", { children: false });
    expect((await reef.over("alone")).status).toBe("cancelled");
    expect((await reef.over(child.name)).status).toBe("done");
  });

  test("no process of any of these tasks is left", async () => {
    const runDir = join(reef.dataDir, "run");
    const taskOf = (name: string) => JSON.parse(readIfThere(join(runDir, name))).taskId;
    const ofTasks = () =>
      readdirSync(runDir)
        .filter((name) => name.endsWith(".json"))
        .filter((name) => taskOf(name) !== null);
    await gone(() => [...ofTasks(), ...processesWith("sleep 700")]);
    expect(readdirSync(runDir).length).toBeGreaterThan(0);
  });
});

describe("steer reaches the model (spec §4.5)", () => {
  const heard = async (name: string, word: string) => {
    const task = await reef.over(name);
    expect(task.status).toBe("done");
    expect(task.artifacts?.summary).toContain(word);
    expect(task.nodes.filter((node) => node.eventType === "steer")).toHaveLength(1);
    return task;
  };
  const steer = (name: string, message: string) => reef.api("POST", `/reef/tasks/${name}/steer`, { message });

  test("during a stream", async () => {
    await reef.submit({ task: "slow: 40 words every 20 ms", taskId: "s-stream" });
    await nextFrame("/reef/events?taskId=s-stream&types=message_update");
    await steer("s-stream", "Also say pineapple");
    await heard("s-stream", "pineapple");
  });

  test("during a tool", async () => {
    await reef.submit({ task: "Run `sleep 0.5; echo slept`.", taskId: "s-tool" });
    await reef.until("s-tool", (nodes) => nodes.some((node) => node.role === "tool_call"));
    await steer("s-tool", "Also say papaya");
    await heard("s-tool", "papaya");
  });

  test("during a retry wait", async () => {
    await reef.submit({ task: "fail: overloaded mid-stream 1\nWhat is 7*7?", taskId: "s-retry" });
    await nextFrame("/reef/events?taskId=s-retry&types=auto_retry_start");
    await steer("s-retry", "Also say mango");
    const task = await heard("s-retry", "mango");
    expect(task.artifacts?.summary).toContain("49");
  });

  test("a task that is over says how to go on", async () => {
    const refused = await reef.fetch("/reef/tasks/s-tool/steer", {
      method: "POST",
      body: JSON.stringify({ message: "more" }),
    });
    expect(refused.status).toBe(409);
    expect((await refused.json()).error).toBe(
      "Task 's-tool' is done; submit with taskId 's-tool' to continue it",
    );
  });
});

describe("a run that fails (spec §4.4)", () => {
  const failed = async (task: string, taskId: string) => {
    await reef.submit({ task, taskId });
    const over = await reef.over(taskId);
    expect(over.status).toBe("error");
    expect(ends(over)).toHaveLength(1);
    expect(openCalls(over)).toEqual([]);
    return over;
  };

  test("what the provider says is the reason, as a node", async () => {
    const task = await failed("fail: auth\nHello", "auth");
    expect(task.artifacts?.error).toContain("401");
    expect(task.artifacts?.summary).toStartWith("Failed: ");
  });

  test("a connection that breaks in the middle", async () => {
    await failed("fail: drop mid-stream always\nHello", "dropped");
  });

  test("time that is up ends the run and its processes", async () => {
    await reef.submit({ task: "Run `sleep 7004`.", taskId: "late", timeoutSeconds: 0.5 });
    const task = await reef.over("late");
    expect(task.artifacts?.error).toBe("Timed out after 0.5 s");
    expect(openCalls(task)).toEqual([]);
    await gone(() => processesWith("sleep 7004"));
  });

  test("arguments that miss the schema and unknown tools are results, and the task goes on", async () => {
    await reef.submit({ task: "bad arguments", taskId: "bad" });
    const bad = await reef.over("bad");
    expect(bad.status).toBe("done");
    expect(bad.nodes.some((node) => node.role === "tool_result" && node.isError)).toBe(true);
    await reef.submit({ task: "unknown tool", taskId: "unknown" });
    expect((await reef.over("unknown")).status).toBe("done");
  });

  test("a reply cut by the token limit ends done and says so", async () => {
    await reef.submit({ task: "max tokens", taskId: "length" });
    const task = await reef.over("length");
    expect(task.status).toBe("done");
    expect(ends(task)[0]?.meta?.stopReason).toBe("length");
  });

  test("an empty reply ends done", async () => {
    await reef.submit({ task: "empty", taskId: "empty" });
    expect((await reef.over("empty")).status).toBe("done");
  });
});

describe("slots (spec §13.8)", () => {
  test("fifty submits with two slots: two run, in order of priority", async () => {
    const narrow = await startReef({ env: { REEF_MAX_CONCURRENT: "2" } });
    const submits = Array.from({ length: 50 }, (_, n) =>
      narrow.submit({ task: "Run `sleep 0.02`.", taskId: `t${n}`, priority: n === 49 ? 10 : 0 }),
    );
    const answers = await Promise.all(submits);
    expect(answers.filter((answer) => answer.status === "running")).toHaveLength(2);
    const { activeTasks, queuedTasks } = await narrow.api("GET", "/reef/state");
    expect(activeTasks).toBe(2);
    expect(queuedTasks).toBeGreaterThan(40);
    await Promise.all(answers.map(({ id }) => narrow.over(id)));
    const nodes = await narrow.nodes();
    let running = 0;
    let most = 0;
    for (const node of nodes) {
      if (node.eventType === "run_started") running += 1;
      if (node.eventType === "task_done") running -= 1;
      most = Math.max(most, running);
    }
    expect(most).toBe(2);
    const started = nodes.filter((node) => node.eventType === "run_started").map((node) => node.taskId);
    expect(started.indexOf("t49")).toBeLessThan(6);
    await narrow.stop();
  }, 60_000);

  test("a limit of 1 with a parent that waits for its sub-task finishes", async () => {
    const single = await startReef({ env: { REEF_MAX_CONCURRENT: "1" } });
    await single.submit({ task: "Ask a sub-task: What is 6*7?", taskId: "outer" });
    const task = await single.over("outer");
    expect(task.status).toBe("done");
    expect(task.artifacts?.summary).toContain("42");
    await single.stop();
  }, 30_000);

  test("a full queue is 429 with Retry-After, and nothing is written", async () => {
    const full = await startReef({ env: { REEF_MAX_CONCURRENT: "1", REEF_MAX_QUEUED: "1" } });
    await full.submit("Run `sleep 30`.");
    await full.submit("Run `sleep 30`.");
    const before = (await full.api("GET", "/reef/state")).totalTasks;
    const refused = await full.fetch("/reef/submit", {
      method: "POST",
      body: JSON.stringify({ task: "one more" }),
    });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await full.api("GET", "/reef/state")).totalTasks).toBe(before);
    await full.stop();
  }, 30_000);
});

/** The next frame of a stream, as text. */
async function nextFrame(path: string): Promise<string> {
  const response = await reef.fetch(path);
  const decoder = new TextDecoder();
  let text = "";
  if (response.body) {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      const frame = /data: .*\n\n/.exec(text);
      if (frame) return frame[0];
    }
  }
  throw new Error(`No frame came: ${text}`);
}

/** The end of a turn is committed first, then its processes go: all of them, within 5 s. */
async function gone(left: () => unknown[]): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (left().length > 0 && Date.now() < deadline) await Bun.sleep(20);
  expect(left()).toEqual([]);
}

/** What is gone between a look at the folder and the reading of a file belongs to no task. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return '{"taskId":null}';
    throw error;
  }
}
