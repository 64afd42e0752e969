// The cause travels with what it set off, and a finished request is not in flight any more.
import { expect, test } from "bun:test";
import {
  causeWith,
  currentCause,
  FlyingCause,
  flightsOf,
  runWithCause,
  versionKey,
} from "../../src/core/cause.js";
import type { Caller } from "../../src/core/types.js";

const caller: Caller = { kind: "task", taskId: "t" };

test("a cause is there after awaits and in timers, and only for what it set off", async () => {
  const seen = await runWithCause({ causeId: "n1", caller, inFlight: [] }, async () => {
    await Bun.sleep(1);
    return new Promise<string | null | undefined>((resolve) =>
      setTimeout(() => resolve(currentCause()?.causeId), 1),
    );
  });
  expect(seen).toBe("n1");
  expect(currentCause()).toBeUndefined();
});

test("what runs outside of any request is the server's own doing", () => {
  expect(causeWith({})).toMatchObject({ causeId: null, caller: { kind: "server" }, inFlight: [] });
});

test("a changed cause keeps the rest", () => {
  runWithCause({ causeId: "n1", caller, inFlight: ["x@1"] }, () => {
    expect(causeWith({ module: "m" })).toMatchObject({
      causeId: "n1",
      caller,
      module: "m",
      inFlight: ["x@1"],
    });
    expect(causeWith({ causeId: "n2" })).toMatchObject({ causeId: "n2", caller });
  });
});

test("a flight that has ended is named no more, not even by causes that were made from it", () => {
  const flight = { version: versionKey({ name: "x", loadedAt: 1 }), ended: false };
  const cause = new FlyingCause({ causeId: null, caller, flights: [flight] });
  const inner = runWithCause(cause, () => causeWith({ module: "m" }));
  expect(inner.inFlight).toEqual(["x@1"]);
  flight.ended = true;
  expect(inner.inFlight).toEqual([]);
  expect(flightsOf(cause)).toEqual([]);
});
