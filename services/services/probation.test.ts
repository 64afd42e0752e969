// Probations on a clock that the test sets, and over versions of the services manager: what HTTP alone cannot show.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStorage } from "#core/storage.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import { createLedger, type Ledger, type Probation } from "./ledger.js";
import { MIGRATIONS } from "./migrations.js";
import { createProbations, type Probations, verdict } from "./probation.js";

const HELLO = { name: "hello", dir: "hello", hash: "sha256:1", deployId: "deploy-1" };
const MINUTES = 60_000;

let harness: TestHarness;
let ledger: Ledger;
let nowMs: number;
let failed: [Probation, string][];
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  ledger = createLedger(openStorage(harness.ctx, { name: "probations", migrations: MIGRATIONS }));
  nowMs = 1_000_000;
  failed = [];
});
afterEach(() => harness.cleanup());

function open(): Probations {
  return createProbations({
    ctx: harness.ctx,
    ledger,
    now: () => nowMs,
    failed: async (...what) => void failed.push(what),
  });
}

const fail = (kind: "request" | "fault", hash = HELLO.hash) =>
  harness.events.emit("module:failed", { name: "hello", hash, kind, message: `a ${kind}` });

test.each([
  [2, 2, undefined],
  [3, 3, "3 of 3 requests failed"],
  [15, 3, "3 of 15 requests failed"],
  [16, 3, undefined],
  [200, 39, undefined],
  [200, 40, "40 of 200 requests failed"],
  // A failure may be told before its request is counted.
  [2, 3, "3 of 3 requests failed"],
])("of %i requests %i failed: %p (spec §6.2)", (requests, failures, reason) => {
  expect(verdict({ requests, failures })).toBe(reason);
});

test("is over after five minutes (spec §6.2)", async () => {
  const probations = open();
  const { probation } = probations.begin(HELLO);
  expect(probation.until).toBe(nowMs + 5 * MINUTES);
  nowMs += 5 * MINUTES - 1;
  expect(probations.until("hello", HELLO.hash)).toBe(probation.until);
  nowMs += 1;
  expect(probations.until("hello", HELLO.hash)).toBeUndefined();
  await fail("fault");
  expect(failed).toEqual([]);
});

test("has failed once, however many failures follow", async () => {
  const { probation } = open().begin(HELLO);
  await Promise.all([fail("fault"), fail("fault"), fail("request")]);
  expect(failed).toEqual([[probation, "an exception that nobody caught"]]);
});

test("a version that fails before its deploy is recorded is not watched again", async () => {
  const probations = open();
  const { probation } = probations.begin(HELLO);
  await fail("fault");
  expect(probations.goOn(probation)).toBe(false);
  expect(probations.until("hello", HELLO.hash)).toBeUndefined();
});

test("one that began with a version of the services manager that is gone goes on with the next", async () => {
  const { probation } = open().begin(HELLO);
  await harness.cleanup();
  harness = await createTestHarness({ services: [] });
  ledger = createLedger(openStorage(harness.ctx, { name: "probations", migrations: MIGRATIONS }));
  const next = open();
  expect(next.goOn(probation)).toBe(true);
  await fail("fault");
  expect(failed).toHaveLength(1);
});

test("a version that does not get live gives the watch back to the one before it", async () => {
  const probations = open();
  const { probation } = probations.begin(HELLO);
  probations.begin({ ...HELLO, hash: "sha256:2" }).cancel();
  expect(probations.until("hello", "sha256:2")).toBeUndefined();
  await fail("fault", "sha256:2");
  expect(failed).toEqual([]);
  await fail("fault");
  expect(failed[0]?.[0]).toBe(probation);
});

test("counts are on disk after each failure, and what is over is not", async () => {
  const probations = open();
  probations.begin(HELLO);
  await fail("request");
  while (ledger.probations().length === 0) await Bun.sleep(1);
  expect(ledger.probations()).toMatchObject([{ ...HELLO, failures: 1, errors: ["a request"] }]);
  nowMs += 5 * MINUTES;
  expect(probations.until("hello", HELLO.hash)).toBeUndefined();
  while (ledger.probations().length > 0) await Bun.sleep(1);
});

test("of what was thrown the first part is kept", async () => {
  const { probation } = open().begin(HELLO);
  const message = "x".repeat(10_000);
  await harness.events.emit("module:failed", { name: "hello", hash: HELLO.hash, kind: "fault", message });
  expect(probation.errors).toEqual(["x".repeat(500)]);
});
