import { describe, expect, test } from "bun:test";
import { createLease } from "../../src/tasks/lease.js";
import { createSlots } from "../../src/tasks/slots.js";

describe("slots", () => {
  test("no more than the limit are taken, and who waits is served by priority, then in order", () => {
    const slots = createSlots(1);
    const served: string[] = [];
    expect(slots.tryTake()).toBe(true);
    slots.wait({ priority: 0, seq: 1 }, () => served.push("first"));
    slots.wait({ priority: 0, seq: 2 }, () => served.push("second"));
    slots.wait({ priority: 5, seq: 3 }, () => served.push("urgent"));
    slots.wait({ priority: -5, seq: 4, returning: true }, () => served.push("returning"));
    for (let i = 0; i < 4; i++) slots.release();
    expect(served).toEqual(["returning", "urgent", "first", "second"]);
  });

  test("a free slot is not taken ahead of someone who waits", () => {
    const slots = createSlots(1);
    slots.tryTake();
    slots.wait({ priority: 0, seq: 1 }, () => {});
    slots.release();
    expect(slots.tryTake()).toBe(false);
    slots.release();
    expect(slots.tryTake()).toBe(true);
  });

  test("who leaves the queue is not served", () => {
    const slots = createSlots(1);
    let served = false;
    slots.tryTake();
    const leave = slots.wait({ priority: 0, seq: 1 }, () => {
      served = true;
    });
    leave();
    slots.release();
    expect(served).toBe(false);
    expect(slots.queued()).toBe(0);
  });
});

describe("lease (spec §4.3: a limit of 1 cannot lock)", () => {
  test("the slot is free for others while its turn waits, and taken again before the outcome is passed on", async () => {
    const slots = createSlots(1);
    const parent = createLease(slots, () => {});
    const child = createLease(slots, () => {});
    parent.tryTake();
    const childRan = Promise.withResolvers<void>();
    const waiting = parent.whileWaiting(async () => {
      expect(child.tryTake()).toBe(true);
      await childRan.promise;
      return "answer";
    });
    let passedOn = false;
    void waiting.then(() => {
      passedOn = true;
    });
    childRan.resolve();
    await Promise.resolve();
    expect(passedOn).toBe(false);
    child.drop();
    expect(await waiting).toBe("answer");
    expect(slots.tryTake()).toBe(false);
  });

  test("two waits of one turn give one slot away and take one back", async () => {
    const slots = createSlots(1);
    const lease = createLease(slots, () => {});
    lease.tryTake();
    const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const both = Promise.all([lease.whileWaiting(() => a.promise), lease.whileWaiting(() => b.promise)]);
    a.resolve();
    b.resolve();
    await both;
    lease.drop();
    expect(slots.tryTake()).toBe(true);
    expect(slots.tryTake()).toBe(false);
  });

  test("a wait that begins while an earlier one waits to return needs no second slot", async () => {
    const slots = createSlots(1);
    const lease = createLease(slots, () => {});
    const other = createLease(slots, () => {});
    lease.tryTake();
    const first = lease.whileWaiting(async () => void other.tryTake());
    await Promise.resolve();
    await Promise.resolve();
    const second = Promise.withResolvers<string>();
    const waiting = lease.whileWaiting(() => second.promise);
    await first;
    other.drop();
    second.resolve("done");
    expect(await waiting).toBe("done");
    lease.drop();
    expect(slots.tryTake()).toBe(true);
  }, 2_000);

  test("a turn that is queued keeps its place when a request on its behalf waits", async () => {
    const slots = createSlots(1);
    const lease = createLease(slots, () => {});
    const other = createLease(slots, () => {});
    other.tryTake();
    let granted = false;
    lease.queue({ priority: 0, seq: 1 }, () => {
      granted = true;
    });
    await lease.whileWaiting(async () => {});
    other.drop();
    expect(granted).toBe(true);
    lease.drop();
    expect(slots.tryTake()).toBe(true);
  }, 2_000);

  test("dropping it while it waits to return lets the wait go on and holds no slot", async () => {
    const slots = createSlots(1);
    const lease = createLease(slots, () => {});
    lease.tryTake();
    const other = createLease(slots, () => {});
    const wait = lease.whileWaiting(async () => void other.tryTake());
    await Promise.resolve();
    lease.drop();
    await wait;
    other.drop();
    expect(slots.tryTake()).toBe(true);
  });
});
