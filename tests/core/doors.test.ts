// Counting requests in and out of versions, and holding them while one is replaced.
import { expect, test } from "bun:test";
import { type Causation, runWithCause, versionKey } from "../../src/core/cause.js";
import { createDoors } from "../../src/core/doors.js";
import type { Version } from "../../src/core/version.js";

const version = (name: string, loadedAt: number) =>
  ({ name, loadedAt, inFlight: 0, traffic: { requests: 0 } }) as unknown as Version;

function setUp(limits = { holdMs: 1_000, drainMs: 1_000 }) {
  const live = new Map([["x", version("x", 1)]]);
  return { live, old: live.get("x") as Version, doors: createDoors(live, limits) };
}

function descending<T>(from: Version, fn: () => T): T {
  const cause: Causation = { causeId: null, caller: { kind: "server" }, inFlight: [versionKey(from)] };
  return runWithCause(cause, fn);
}

test("a request enters at once, and nobody enters what is not live", () => {
  const { old, doors } = setUp();
  expect(doors.enter("x")).toBe(old);
  expect(old.inFlight).toBe(1);
  expect(doors.enter("y")).toBeUndefined();
});

test("a held request enters the version that is live when the hold ends (spec §2.1)", async () => {
  const { live, old, doors } = setUp();
  const release = doors.hold("x");
  const entered = doors.enter("x");
  const next = version("x", 2);
  live.set("x", next);
  release();
  expect(await entered).toBe(next);
  expect([old.inFlight, next.inFlight]).toEqual([0, 1]);
});

test("a request that is held too long, or whose module does not come back, is unavailable (spec §2.1)", async () => {
  const { live, doors } = setUp({ holdMs: 5, drainMs: 5 });
  const release = doors.hold("x");
  await expect(doors.enter("x") as Promise<Version>).rejects.toMatchObject({
    code: "unavailable",
    message: `service "x" is being replaced`,
  });
  const entered = doors.enter("x") as Promise<Version>;
  live.delete("x");
  release();
  await expect(entered).rejects.toMatchObject({ code: "unavailable" });
});

test("a request that descends from one in flight is not held and gets its version (spec §2.1)", () => {
  const { live, old, doors } = setUp();
  doors.enter("x");
  const release = doors.hold("x");
  expect(descending(old, () => doors.enter("x"))).toBe(old);
  live.set("x", version("x", 2));
  void doors.retire(old);
  release();
  expect(descending(old, () => doors.enter("x"))).toBe(old);
  expect(doors.enter("x")).not.toBe(old);
});

test("what descends from a request that is over is held like any other", async () => {
  const { old, doors } = setUp();
  const release = doors.hold("x");
  const entered = descending(old, () => doors.enter("x"));
  expect(entered).toBeInstanceOf(Promise);
  release();
  expect(await entered).toBe(old);
});

test("a drain ends with the last request, or at its limit", async () => {
  const { old, doors } = setUp({ holdMs: 5, drainMs: 20 });
  doors.enter("x");
  const drained = doors.drained(old);
  setImmediate(() => doors.leave(old));
  expect(await drained).toBe(true);
  expect(old.inFlight).toBe(0);
  doors.enter("x");
  expect(await doors.drained(old)).toBe(false);
  expect(old.inFlight).toBe(1);
});

test("the request that asked for the replace does not count as in flight (spec §2.1)", async () => {
  const { old, doors } = setUp({ holdMs: 10_000, drainMs: 10_000 });
  doors.enter("x");
  doors.enter("x");
  const asked = descending(old, () => doors.asking(() => doors.drained(old)));
  doors.leave(old);
  await asked;
  expect(old.inFlight).toBe(1);
});

test("of two requests that ask for work on one another's modules neither waits for the other", async () => {
  const { live, old, doors } = setUp({ holdMs: 10_000, drainMs: 10_000 });
  const other = version("y", 1);
  live.set("y", other);
  doors.enter("x");
  doors.enter("y");
  const first = descending(old, () => doors.asking(() => doors.drained(other)));
  const second = descending(other, () => doors.asking(() => doors.drained(old)));
  await Promise.all([first, second]);
});

test("a retired version is idle when its last request is done", async () => {
  const { live, old, doors } = setUp();
  doors.enter("x");
  live.delete("x");
  const idle = doors.retire(old);
  let isIdle = false;
  void idle.then(() => {
    isIdle = true;
  });
  await Promise.resolve();
  expect(isIdle).toBe(false);
  doors.leave(old);
  await idle;
});
