import { expect, test } from "bun:test";
import { createCalls } from "../../src/tasks/calls.js";
import { node } from "./samples.js";

const started = (id: string) => node({ id: `call-${id}`, role: "tool_call", toolCallId: id });
const ended = (id: string) => node({ role: "tool_result", toolCallId: id });

test("a call is found by its toolCallId once its node is committed (spec §2.3)", async () => {
  const calls = createCalls();
  calls.committed(started("a"));
  expect(await calls.find("a")).toBe("call-a");
});

test("a call whose announcement is still in the pipe is awaited", async () => {
  const calls = createCalls();
  const found = calls.find("a");
  calls.committed(started("a"));
  expect(await found).toBe("call-a");
});

test("one that never comes is refused", async () => {
  await expect(createCalls(1).find("ghost")).rejects.toThrow('Unknown cause "ghost"');
});

test("the only open call is the cause of its turn's requests; with two there is none", () => {
  const calls = createCalls();
  calls.committed(started("a"));
  expect(calls.only()).toBe("call-a");
  calls.committed(started("b"));
  expect(calls.only()).toBeUndefined();
  calls.committed(ended("a"));
  expect(calls.only()).toBe("call-b");
});

test("closing lets nobody wait", async () => {
  const calls = createCalls(60_000);
  const found = calls.find("a");
  calls.close();
  await expect(found).rejects.toThrow("Unknown cause");
});

const LONG_MS = 60_000;

test("a request without a cause waits for the call that is about to be announced (spec §2.3)", async () => {
  const calls = createCalls(LONG_MS, LONG_MS);
  const cause = calls.soonOnly();
  calls.committed(started("a"));
  expect(await cause).toBe("call-a");
  expect(await calls.soonOnly()).toBe("call-a");
});

test("it does not wait when several are open, nor for ever, nor when the run is over (spec §2.3)", async () => {
  const calls = createCalls(LONG_MS, LONG_MS);
  calls.committed(started("a"));
  calls.committed(started("b"));
  expect(await calls.soonOnly()).toBeUndefined();
  calls.committed(ended("a"));
  calls.committed(ended("b"));
  const waiting = calls.soonOnly();
  calls.close();
  expect(await waiting).toBeUndefined();
  expect(await createCalls(LONG_MS, 1).soonOnly()).toBeUndefined();
});
