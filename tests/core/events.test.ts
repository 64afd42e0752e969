// The bus: order, failures that stay where they happen, causes that travel, subscriptions that end with their module.
import { expect, test } from "bun:test";
import { currentCause, runWithCause } from "../../src/core/cause.js";
import { ServiceEventBus } from "../../src/core/events.js";
import { createScope } from "../../src/core/scope.js";
import { listener } from "./modules.js";

test("handlers run one after another, in order of registration (spec §5.1)", async () => {
  const bus = new ServiceEventBus();
  const seen: string[] = [];
  bus.on("e", async (data) => {
    await Bun.sleep(2);
    seen.push(`a${data}`);
  });
  bus.on("e", (data) => void seen.push(`b${data}`));
  await bus.emit("e", 1);
  expect(seen).toEqual(["a1", "b1"]);
});

test("a handler that throws or rejects is logged under its module's name and stops nobody (spec §5.1)", async () => {
  const bus = new ServiceEventBus();
  const heard = listener();
  const scope = createScope(heard.log);
  const face = bus.face({ name: "bad", scope, log: heard.log });
  const seen: number[] = [];
  face.on("e", () => {
    throw new Error("thrown");
  });
  face.on("e", () => Promise.reject(new Error("rejected")));
  bus.on("e", () => void seen.push(1));
  await bus.emit("e");
  bus.fire("e");
  await Bun.sleep(0);
  expect(seen).toEqual([1, 1]);
  expect(heard.lines.slice(0, 2)).toEqual([
    'error a handler of "e" failed: thrown',
    'error a handler of "e" failed: rejected',
  ]);
});

test("a handler undone during an emit is not called any more", async () => {
  const bus = new ServiceEventBus();
  const seen: string[] = [];
  bus.on("e", () => undo());
  const undo = bus.on("e", () => void seen.push("late"));
  await bus.emit("e");
  expect(seen).toEqual([]);
});

test("handlers run with the emitter's cause, and a face adds the emitting module's name", async () => {
  const bus = new ServiceEventBus();
  const { log } = listener();
  const face = bus.face({ name: "emitter", scope: createScope(log), log });
  const causes: unknown[] = [];
  bus.on("e", () => void causes.push([currentCause()?.causeId, currentCause()?.module]));
  await runWithCause({ causeId: "n1", caller: { kind: "server" }, inFlight: [] }, () => face.emit("e"));
  await face.emit("e");
  expect(causes).toEqual([
    ["n1", "emitter"],
    [null, "emitter"],
  ]);
});

test("what a module subscribed ends with its scope, and shows in it until then", async () => {
  const bus = new ServiceEventBus();
  const { log } = listener();
  const scope = createScope(log);
  const face = bus.face({ name: "m", scope, log });
  let calls = 0;
  const undo = face.on("e", () => calls++);
  face.on("e", () => calls++);
  expect(scope.holds()).toEqual([{ kind: "subscription", label: "e", count: 2 }]);
  undo();
  await bus.emit("e");
  await scope.undo();
  await bus.emit("e");
  expect(calls).toBe(1);
});
