// What a node led to (spec §4.6).
import { describe, expect, test } from "bun:test";
import type { Usage } from "../../src/tree/node.js";
import {
  addTurn,
  call,
  event,
  ids,
  open,
  removeDir,
  reply,
  result,
  tempDir,
  user,
  withTree,
} from "./support.js";

const usage = (input: number): Usage => ({
  input,
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: input + 1,
  cost: 0.5,
});

describe("effects", () => {
  test("are what is below, what names one of those as its cause, and what that led to, in seq order (spec §4.6)", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const deployed = await tree.append(event(turn.call.id, "service_deployed"));
      const other = await addTurn(tree, tree.root(), "other");
      const fired = await tree.append(event(tree.root(), "timer", { causeId: deployed.id }));
      const job = await addTurn(tree, fired.id, "job");
      const again = await tree.append(event(other.user.id, "again", { causeId: job.reply.id }));
      const led = [turn.result, deployed, fired, ...Object.values(job), again];
      expect(ids((await tree.effects(turn.call.id, { limit: 99 })).effects)).toEqual(ids(led));
      expect((await tree.effects(again.id, { limit: 99 })).effects).toEqual([]);
      expect((await tree.effects(tree.root(), { limit: 99 })).totals.nodes).toBe(tree.newestSeq() - 1);
    }));

  test("come in pages, and a node that comes meanwhile is on a later page", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const first = await tree.effects(turn.user.id, { limit: 3 });
      expect([ids(first.effects), first.more]).toEqual([ids([turn.call, turn.result, turn.reply]), true]);
      const late = await tree.append(event(turn.call.id, "late"));
      const caused = await tree.append(event(tree.root(), "timer", { causeId: late.id }));
      await tree.append(event(tree.root(), "other"));
      const rest = await tree.effects(turn.user.id, { after: turn.reply.seq, limit: 3 });
      expect([ids(rest.effects), rest.more]).toEqual([ids([turn.end, late, caused]), false]);
      expect([first.totals.nodes, rest.totals.nodes]).toEqual([4, 6]);
    }));

  test("are filtered by role or event type, and the totals stay those of all", () =>
    withTree(async (tree) => {
      const turn = await addTurn(tree, tree.root(), "t");
      const some = await tree.effects(turn.user.id, { limit: 9, types: ["assistant", "task_done"] });
      expect(ids(some.effects)).toEqual(ids([turn.reply, turn.end]));
      expect(some.totals.nodes).toBe(4);
    }));

  test("are summed up: tasks with a turn among them, calls, failures, and the usage of model messages alone", () =>
    withTree(async (tree) => {
      const prompt = await tree.append(user(tree.root(), "t"));
      const started = await tree.append({ ...call(prompt.id, "t", "c"), meta: { usage: usage(10) } });
      const one = await tree.append(user(started.id, "sub"));
      await tree.append({ ...event(one.id, "task_error", { taskId: "sub" }) });
      await tree.append(user(started.id, "sub"));
      await tree.append(result(started.id, "t", "c", true));
      const answer = await tree.append({ ...reply(prompt.id, "t"), meta: { usage: usage(20) } });
      await tree.append(
        event(prompt.id, "task_done", { taskId: "t", meta: { usage: usage(30), replyId: answer.id } }),
      );
      const sum = { input: 30, output: 2, cacheRead: 0, cacheWrite: 0, totalTokens: 32, cost: 1 };
      const { totals } = await tree.effects(prompt.id, { limit: 1 });
      expect(totals).toEqual({ nodes: 7, tasks: 1, toolCalls: 1, errors: 2, usage: sum });
    }));

  test("of a large tree let others work in between, and several readers agree", async () => {
    const dir = tempDir();
    const tree = await open(dir);
    for (let i = 0; i < 10; i++)
      await tree.commit(() => ({ nodes: Array.from({ length: 3000 }, () => event(tree.root(), "x")) }));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const pages = await Promise.all([1, 2, 3].map(() => tree.effects(tree.root(), { limit: 2 })));
    clearInterval(timer);
    expect(pages.map((page) => page.totals.nodes)).toEqual([30_000, 30_000, 30_000]);
    expect(turns).toBeGreaterThan(1);
    await tree.close();
    removeDir(dir);
  });
});
