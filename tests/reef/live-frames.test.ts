// What services may send to the event stream without storing it.
import { expect, test } from "bun:test";
import { liveFrame } from "../../src/reef/live-frames.js";

test("a frame is passed on as the JSON that it is (spec §4.8)", () => {
  const at = new Date(0);
  expect(liveFrame({ type: "service_deploy_step", step: "test", at, gone: undefined })).toEqual({
    type: "service_deploy_step",
    step: "test",
    at: "1970-01-01T00:00:00.000Z",
  } as never);
});

const cycle: Record<string, unknown> = { type: "x" };
cycle.self = cycle;

test.each([
  [undefined],
  [null],
  ["service_deploy_step"],
  [[]],
  [{}],
  [{ type: "" }],
  [{ type: 1 }],
  [{ type: "x", taskId: 1 }],
  [{ type: "x", count: 1n }],
  [cycle],
  [{ type: "x", text: "x".repeat(64 * 1024) }],
])("what is no frame, no JSON or too much is dropped: %#", (given) => {
  expect(liveFrame(given)).toBeUndefined();
});
