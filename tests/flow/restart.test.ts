// The server dies in the middle, or is asked to stop: nothing acknowledged is lost, nothing is left running.
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, processesWith, type Reef, startReef } from "./reef.js";

afterAll(cleanUp);

const tagOf = (reef: Reef) => `REEF_RUN=${readFileSync(join(reef.dataDir, "server-id"), "utf8").trim()}.`;

function checkTree(nodes: readonly TreeNode[]): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  expect(byId.size).toBe(nodes.length);
  const results = new Set<string>();
  for (const node of nodes) {
    const parent = node.parentId === null ? undefined : byId.get(node.parentId);
    if (node.seq > 1) expect(parent?.seq).toBeLessThan(node.seq);
    if (node.role !== "tool_result") continue;
    expect(parent).toMatchObject({ role: "tool_call", toolCallId: node.toolCallId ?? "" });
    expect(results.has(node.parentId ?? "")).toBe(false);
    results.add(node.parentId ?? "");
  }
}

/** Every id that the stream acknowledged, until the server is gone. */
async function follow(reef: Reef, seen: Map<number, string>): Promise<void> {
  try {
    const response = await reef.fetch("/reef/events?since=0&live=0");
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const match = /^id: (\d+)\ndata: (.*)$/.exec(text.slice(0, end));
        if (match)
          seen.set(
            Number(match[1]),
            JSON.parse(match[2] ?? "").eventNodeId ?? JSON.parse(match[2] ?? "").nodeId,
          );
        text = text.slice(end + 2);
      }
    }
  } catch {
    // The server was killed: that is how this ends.
  }
}

describe("kill -9 (spec §4.12, §13.4)", () => {
  test("at random moments with tasks running: nothing acknowledged is missing, nothing is left, every task ends", async () => {
    let reef = await startReef({ env: { REEF_MAX_CONCURRENT: "3" } });
    const accepted: string[] = [];
    for (let life = 0; life < 3; life++) {
      const seen = new Map<number, string>();
      const following = follow(reef, seen);
      const tasks = [
        "Run `sleep 0.3; echo a`.",
        "slow: 30 words every 10 ms",
        "Use three tools at once.",
        "Ask a sub-task: What is 2+3?",
        "Run `sleep 0.1` and `sleep 0.4` at the same time.",
      ];
      for (const task of tasks) accepted.push((await reef.submit(task)).id);
      await Bun.sleep(Math.random() * 700);
      const tag = tagOf(reef);
      await reef.kill();
      await following;
      reef = await reef.restart();
      expect(processesWith(tag).filter((pid) => startedBefore(pid, reef.pid))).toEqual([]);
      const nodes = await reef.nodes();
      const bySeq = new Map(nodes.map((node) => [node.seq, node.id]));
      for (const [seq, id] of seen) expect(bySeq.get(seq)).toBe(id);
      checkTree(nodes);
    }
    for (const id of accepted) {
      const { status, artifacts } = await reef.over(id);
      if (status !== "done") expect(artifacts?.error).toBe("Interrupted 3 times; not resumed");
    }
    checkTree(await reef.nodes());
    await reef.stop();
  }, 120_000);

  test("the third unclean interruption ends the turn as error", async () => {
    let reef = await startReef();
    await reef.submit({ task: "Run `sleep 60`.", taskId: "unlucky" });
    for (let life = 0; life < 3; life++) {
      await reef.until("unlucky", (nodes) => nodes.filter((node) => node.role === "tool_call").length > life);
      await reef.kill();
      reef = await reef.restart();
    }
    const task = await reef.over("unlucky");
    expect(task.status).toBe("error");
    expect(task.artifacts?.error).toBe("Interrupted 3 times; not resumed");
    expect(task.nodes.filter((node) => node.role === "tool_result").map((node) => node.isError)).toEqual([
      true,
      true,
      true,
    ]);
    expect(
      processesWith(tagOf(reef)).some((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("sleep"),
      ),
    ).toBe(false);
    await reef.stop();
  }, 60_000);

  test("queued turns stay queued, in order", async () => {
    const first = await startReef({ env: { REEF_MAX_CONCURRENT: "1" } });
    await first.submit({ task: "Run `sleep 60`.", taskId: "busy" });
    for (const name of ["b", "c"]) await first.submit({ task: "What is 2+2?", taskId: name });
    await first.kill();
    const reef = await first.restart();
    await reef.api("POST", "/reef/tasks/busy/cancel");
    for (const name of ["b", "c"]) expect((await reef.over(name)).status).toBe("done");
    const started = (await reef.nodes())
      .filter((node) => node.eventType === "run_started")
      .map((node) => node.taskId);
    expect(started.indexOf("b")).toBeLessThan(started.indexOf("c"));
    await reef.stop();
  }, 60_000);
});

describe("shutdown (spec §1.4)", () => {
  test("SIGTERM interrupts runs cleanly, leaves no process, exits 0, and they resume", async () => {
    const first = await startReef();
    await first.submit({ task: "Run `sleep 2; echo done`.", taskId: "long" });
    await first.until("long", (nodes) => nodes.some((node) => node.role === "tool_call"));
    const tag = tagOf(first);
    expect(await first.stop()).toBe(0);
    expect(processesWith(tag)).toEqual([]);
    const reef = await first.restart();
    const task = await reef.over("long");
    expect(task.status).toBe("done");
    const interrupted = task.nodes.filter((node) => node.eventType === "task_interrupted");
    expect(interrupted.map((node) => node.meta?.clean)).toEqual([true]);
    await reef.stop();
    expect(readdirSync(join(reef.dataDir, "run"))).toEqual([]);
  }, 60_000);

  test("a sub-task goes on at the next start, although the call that waited for it was aborted", async () => {
    const first = await startReef();
    await first.submit({ task: "Ask a sub-task: Run `sleep 2; echo done`.", taskId: "above" });
    let child: { name: string } | undefined;
    while (!child) {
      const { tasks } = await first.api("GET", "/reef/tasks?status=running");
      child = tasks.find((task: { submittedBy: string }) => task.submittedBy === "task:above");
    }
    expect(await first.stop()).toBe(0);
    const reef = await first.restart();
    expect((await reef.over(child.name)).status).toBe("done");
    await reef.stop();
  }, 60_000);

  test("a second server on one DATA_DIR is refused with the pid of the first", async () => {
    const reef = await startReef();
    await expect(reef.restart()).rejects.toThrow(`${reef.dataDir} is in use by process ${reef.pid}`);
    expect((await reef.fetch("/health")).status).toBe(200);
    await reef.stop();
  }, 30_000);
});

function startedBefore(pid: number, other: number): boolean {
  const start = (of: number) =>
    Number(readFileSync(`/proc/${of}/stat`, "utf8").split(") ")[1]?.split(" ")[19]);
  try {
    return start(pid) < start(other);
  } catch {
    // It ended meanwhile.
    return false;
  }
}
