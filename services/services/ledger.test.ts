// What the ledger finds again, also by what HTTP does not show.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStorage } from "#core/storage.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import { createLedger, type Deploy, type Ledger } from "./ledger.js";
import { MIGRATIONS } from "./migrations.js";

let harness: TestHarness;
let ledger: Ledger;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
  ledger = createLedger(openStorage(harness.ctx, { name: "ledger", migrations: MIGRATIONS }));
});
afterEach(() => harness.cleanup());

const deployOf = (hash: string, changes: Partial<Deploy> = {}): Deploy => ({
  ...{ id: ledger.newId(), name: "hello", steps: [], deployed: true, hash, previousHash: null },
  ...{ nodeId: null, at: "2026-01-01T00:00:00.000Z", by: "server" },
  ...changes,
});

test("an attempt that was cut short finds the deploy that it came to (spec §2.7)", async () => {
  const deploy = deployOf("sha256:1");
  await ledger.add(deploy, { dir: "hello", operation: "operation-1" });
  await ledger.add(deployOf("sha256:2"), { dir: "hello" });
  expect(ledger.doneUnder("operation-1")).toEqual(deploy);
  expect(ledger.doneUnder("operation-2")).toBeUndefined();
});

test("of one content, the newest deploy that put it live counts", async () => {
  const [first, second] = [deployOf("sha256:1"), deployOf("sha256:1")];
  const refused = deployOf("sha256:1", { deployed: false });
  for (const deploy of [first, second, refused]) await ledger.add(deploy, { dir: "hello" });
  expect(ledger.deployOf("hello", "sha256:1")).toEqual(second);
  expect(ledger.deployOf("other", "sha256:1")).toBeUndefined();
  await ledger.rolledBack(second.id, "2026-01-02T00:00:00.000Z");
  expect(ledger.get(second.id)).toEqual({ ...second, rolledBackAt: "2026-01-02T00:00:00.000Z" });
});

test("the newest 10,000 deploys are kept", async () => {
  const deploys = Array.from({ length: 10_050 }, () => deployOf("sha256:1"));
  await Promise.all(deploys.slice(0, 9_999).map((deploy) => ledger.add(deploy, { dir: "hello" })));
  await Promise.all(deploys.slice(9_999).map((deploy) => ledger.add(deploy, { dir: "hello" })));
  const kept = ledger.list({ limit: 20_000 });
  expect(kept.map(({ id }) => id)).toEqual(
    deploys
      .slice(50)
      .map(({ id }) => id)
      .reverse(),
  );
});
