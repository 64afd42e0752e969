import { expect, test } from "bun:test";
import { createDeadline } from "../../src/tasks/deadline.js";

test("time counts only while it runs", async () => {
  let clock = 0;
  let expired = 0;
  const deadline = createDeadline(
    20,
    () => (expired += 1),
    () => clock,
  );
  deadline.run();
  clock = 19;
  deadline.hold();
  await Bun.sleep(40);
  expect(expired).toBe(0);
  deadline.run();
  clock = 20;
  await Bun.sleep(20);
  expect(expired).toBe(1);
});

test("no limit never expires", async () => {
  let expired = 0;
  createDeadline(0, () => (expired += 1)).run();
  await Bun.sleep(5);
  expect(expired).toBe(0);
});

test("a limit longer than a timer can be is counted in pieces", () => {
  let expired = 0;
  const deadline = createDeadline(2 ** 40, () => (expired += 1));
  deadline.run();
  deadline.hold();
  expect(expired).toBe(0);
});
