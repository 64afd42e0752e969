// The order in which work takes its turns.
import { expect, test } from "bun:test";
import { createTurns } from "./turns.js";

/** Work that lasts until the test ends it. */
function work() {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const run = async () => {
    begun.resolve();
    await ended.promise;
  };
  return {
    run,
    begun: begun.promise,
    end: ended.resolve,
    isBegun: () => Promise.race([begun.promise.then(() => true), soon()]),
  };
}

const soon = async () => {
  for (let turns = 0; turns < 50; turns++) await Promise.resolve();
  return false;
};

test("one piece at a time for each key, and other keys beside it", async () => {
  const turns = createTurns();
  const [first, second, other] = [work(), work(), work()];
  const all = [turns.take("a", first.run), turns.take("a", second.run), turns.take("b", other.run)];
  await Promise.all([first.begun, other.begun]);
  expect(await second.isBegun()).toBe(false);
  first.end();
  await second.begun;
  second.end();
  other.end();
  await Promise.all(all);
});

test("at most so many at once, and who waits for the one before it takes no place", async () => {
  const turns = createTurns({ atOnceMax: 2, waitingMax: 10 });
  const [a, again, b, c] = [work(), work(), work(), work()];
  const all = [
    turns.take("a", a.run),
    turns.take("a", again.run),
    turns.take("b", b.run),
    turns.take("c", c.run),
  ];
  await Promise.all([a.begun, b.begun]);
  expect(await c.isBegun()).toBe(false);
  b.end();
  await c.begun;
  for (const one of [a, again, c]) one.end();
  await Promise.all(all);
});

test("more than may wait are refused, and there is room again later", async () => {
  const turns = createTurns({ atOnceMax: 1, waitingMax: 2 });
  const first = work();
  const all = [turns.take("a", first.run), turns.take("a", async () => {}), turns.take("b", async () => {})];
  await expect(turns.take("c", async () => {})).rejects.toMatchObject({ code: "rate_limited" });
  first.end();
  await Promise.all(all);
  expect(await turns.take("c", async () => "done")).toBe("done");
});

test("work that fails gives its place away", async () => {
  const turns = createTurns({ atOnceMax: 1, waitingMax: 2 });
  const failing = turns.take("a", () => Promise.reject(new Error("no")));
  const next = turns.take("a", async () => "done");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("done");
});
