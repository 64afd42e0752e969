// A service of `examples/services` runs unchanged where somebody copied it to: it can be deployed there, which takes its
// own tests (spec §1.1, §17.8).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cleanUp, type Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";
import { serviceNames } from "./services.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReefWith(serviceNames());
});
afterAll(cleanUp);

test.each(serviceNames())("%s is live as a copy, and its deployment passes its own tests", async (name) => {
  expect((await reef.fetch(`/${name}/_panel`)).status).toBe(200);
  const { deployed, steps, tests } = await reef.api("POST", "/services/deploy", { name });
  expect({ deployed, steps }).toMatchObject({
    deployed: true,
    steps: ["validate", "test", "load", "verify"].map((step) => ({ step, status: "passed" })),
  });
  expect(tests.passed).toBeGreaterThan(0);
  expect((await reef.fetch(`/${name}/_panel`)).status).toBe(200);
});
