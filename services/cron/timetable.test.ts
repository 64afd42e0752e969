// The one timer, on a clock that the test sets.
import { beforeEach, describe, expect, test } from "bun:test";
import { startTimetable } from "./timetable.js";

const DAY_MS = 86_400_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

let nowMs: number;
let dueAt: number | undefined;
let fired: number[];
let failing: boolean;
let ended: AbortController;
let timer: { fn: () => unknown; ms: number } | undefined;
beforeEach(() => {
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  [dueAt, fired, failing, ended, timer] = [undefined, [], false, new AbortController(), undefined];
});

function start() {
  return startTimetable({
    ctx: {
      signal: ended.signal,
      setTimeout(fn, ms) {
        const set = { fn, ms };
        timer = set;
        return () => {
          if (timer === set) timer = undefined;
        };
      },
    },
    now: () => nowMs,
    next: () => dueAt,
    async fire() {
      if (failing) throw new Error("no room");
      fired.push(nowMs);
      dueAt = undefined;
    },
  });
}

/** Lets time pass until the timer has gone off, which may be early by `earlyMs`. */
async function pass(earlyMs = 0): Promise<void> {
  const { fn, ms } = timer ?? { fn: () => {}, ms: 0 };
  timer = undefined;
  nowMs += ms - earlyMs;
  await fn();
}

describe("a timetable", () => {
  test("fires when a job is due, and not before (spec §10)", async () => {
    const due = nowMs + 10_000;
    dueAt = due;
    start();
    expect(timer?.ms).toBe(10_000);
    await pass(3);
    expect([fired, timer?.ms]).toEqual([[], 3]);
    await pass();
    expect(fired).toEqual([due]);
  });

  test("waits sixty days in steps that a timer can do (spec §10)", async () => {
    const due = nowMs + 60 * DAY_MS;
    dueAt = due;
    start();
    let longest = 0;
    for (let looks = 0; fired.length === 0 && looks < 1_000_000; looks++) {
      longest = Math.max(longest, timer?.ms ?? 0);
      await pass();
    }
    expect(fired).toEqual([due]);
    expect(longest).toBeLessThan(LONGEST_TIMER_MS);
  });

  test("notices a clock that was set, and a machine that slept, within half a minute", async () => {
    dueAt = nowMs + DAY_MS;
    start();
    await pass();
    nowMs += 2 * DAY_MS;
    expect(timer?.ms).toBeLessThanOrEqual(30_000);
    await pass();
    expect(fired).toHaveLength(1);
  });

  test("looks again when something is due earlier, and keeps one timer", async () => {
    const { changed } = start();
    dueAt = nowMs + 500;
    changed();
    expect(timer?.ms).toBe(500);
    dueAt = nowMs + 100;
    changed();
    expect(timer?.ms).toBe(100);
  });

  test("tries again in a while when firing fails, and says so", async () => {
    failing = true;
    dueAt = nowMs;
    start();
    await expect(pass()).rejects.toThrow("no room");
    expect(timer?.ms).toBe(5_000);
    failing = false;
    await pass();
    expect(fired).toHaveLength(1);
  });

  test("is over with the service", async () => {
    dueAt = nowMs;
    start();
    ended.abort();
    await pass();
    expect(timer).toBeUndefined();
  });
});
