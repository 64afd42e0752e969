// A service of `examples/services` runs unchanged where somebody copied it to: it can be deployed there, which takes its
// own tests (spec §1.1, §17.8).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cleanUp, type Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";
import { serviceNames } from "./services.js";

/** The tests of the others take longer, and are run where they stand; the runner is the same. */
const DEPLOYED = ["commits", "feed", "log"];

let reef: Reef;
beforeAll(async () => {
  reef = await startReefWith(serviceNames());
});
afterAll(cleanUp);

test.each(serviceNames())("%s is live as a copy, and is replaced by itself", async (name) => {
  expect((await reef.fetch(`/${name}/_panel`)).status).toBe(200);
  await reef.api("POST", `/services/reload/${name}`);
  expect((await reef.fetch(`/${name}/_panel`)).status).toBe(200);
});

test.each(DEPLOYED)("the deployment of a copy of %s passes its own tests", async (name) => {
  const { deployed, steps, tests } = await reef.api("POST", "/services/deploy", { name });
  expect({ deployed, steps }).toMatchObject({
    deployed: true,
    steps: ["validate", "test", "load", "verify"].map((step) => ({ step, status: "passed" })),
  });
  expect(tests.passed).toBeGreaterThan(0);
  expect((await reef.fetch(`/${name}/_panel`)).status).toBe(200);
});
