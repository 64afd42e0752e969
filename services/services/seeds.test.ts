// Capabilities, seeds and conformance over HTTP.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule } from "#core/types.js";
import services from "./index.js";

const clock: ServiceModule = { name: "clock", capabilities: ["cron.schedule"] };
const HASH = "sha256:0123abcd";

let installed: { seed: string; services: string[]; installedAt: string }[];
/** Stands in for the installer, of which only this answer counts. */
const installer = (): ServiceModule => ({
  name: "installer",
  routes: new Hono().get("/seeds", (c) => c.json({ seeds: installed, count: installed.length })),
});

let harness: TestHarness;
beforeEach(async () => {
  installed = [];
  harness = await createTestHarness({ services: [services, clock, installer()] });
});
afterEach(() => harness.cleanup());

const post = (path: string, body: unknown) => harness.json(`/services${path}`, { auth: true, body });
const patch = (hash: string, body: unknown) =>
  harness.json(`/services/seeds/${hash}`, { auth: true, method: "PATCH", body });
const conformance = async () => (await harness.json("/services/conformance", { auth: true })).data;

const SUBSTRATE = ["cron.schedule", "event.trigger", "hosting.web", "state.persist"];

describe("POST /services/check", () => {
  test("says what is met and what is missing, each once (spec §6.1)", async () => {
    const capabilities = ["state.persist", "hosting.dns", "cron.schedule", "hosting.dns"];
    expect(await post("/check", { capabilities })).toMatchObject({
      status: 200,
      data: {
        canGerminate: false,
        met: ["state.persist", "cron.schedule"],
        missing: ["hosting.dns"],
        substrate: SUBSTRATE,
      },
    });
    expect((await post("/check", { capabilities: ["hosting.web"] })).data).toEqual({
      canGerminate: true,
      met: ["hosting.web"],
      missing: [],
      substrate: SUBSTRATE,
    });
  });

  test.each([
    {},
    { capabilities: [] },
    { capabilities: "a" },
    { capabilities: [1] },
    { capabilities: null },
    { capabilities: [""] },
    { capabilities: {} },
  ])("%j is refused (spec §6.1)", async (body) => {
    expect(await post("/check", body)).toMatchObject({
      status: 400,
      data: { error: "capabilities array required", code: "bad_request" },
    });
  });
});

describe("seeds", () => {
  const seed = {
    contentHash: HASH,
    name: "clock",
    versionLabel: "v2",
    method: "graft",
    requiredCapabilities: ["cron.schedule", "hosting.dns"],
    optionalCapabilities: ["hosting.web", "state.branch"],
    sourceUrl: "https://seeds.example/clock",
  };

  test("are registered once (spec §6.1)", async () => {
    const { status, data } = await post("/seeds/register", seed);
    expect([status, data]).toEqual([
      201,
      { action: "registered", seed: { ...seed, registeredAt: expect.stringMatching(/^\d{4}-.*Z$/) } },
    ]);
    expect(await post("/seeds/register", { ...seed, name: "other" })).toMatchObject({
      status: 409,
      data: { error: `Seed ${HASH} is already registered`, code: "conflict" },
    });
  });

  test("are updated field by field (spec §6.1)", async () => {
    await post("/seeds/register", seed);
    const testResults = { passed: 3, failed: 0 };
    expect(await patch(HASH, { conformance: "full", testResults })).toMatchObject({
      status: 200,
      data: { action: "updated", seed: { ...seed, conformance: "full", testResults } },
    });
    const lastVerified = "2026-01-02T03:04:05Z";
    const { data } = await patch(encodeURIComponent(HASH), { lastVerified });
    expect(data.seed).toMatchObject({ conformance: "full", testResults, lastVerified });
  });

  test("and their conformance survive a restart (spec §6.1)", async () => {
    await post("/seeds/register", seed);
    await patch(HASH, { conformance: "full" });
    const next = await createTestHarness({ services: [services], dataDir: harness.dataDir });
    try {
      const again = await next.json(`/services/seeds/${HASH}`, {
        auth: true,
        method: "PATCH",
        body: { lastVerified: "2026-01-02" },
      });
      expect(again.data.seed).toMatchObject({ name: "clock", conformance: "full" });
    } finally {
      await next.cleanup();
    }
  });
});

describe("GET /services/conformance", () => {
  test("lists one entry for each seed named in an install (spec §6.1)", async () => {
    await post("/seeds/register", {
      contentHash: HASH,
      name: "clock",
      versionLabel: "v2",
      requiredCapabilities: ["cron.schedule", "hosting.dns"],
      optionalCapabilities: ["hosting.web", "state.branch"],
    });
    await patch(HASH, { conformance: "partial", testResults: { passed: 1 }, lastVerified: "2026-01-02" });
    installed = [
      { seed: HASH, services: ["clock", "bells"], installedAt: "2026-01-01T00:00:00.000Z" },
      { seed: "sha256:unknown", services: ["other"], installedAt: "2026-01-02T00:00:00.000Z" },
    ];
    expect(await conformance()).toEqual({
      v: "seed-spec/0.5",
      type: "conformance.manifest",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      seeds: [
        {
          name: "clock",
          content_hash: HASH,
          version_label: "v2",
          conformanceLevel: "partial",
          services: ["clock", "bells"],
          installedAt: "2026-01-01T00:00:00.000Z",
          capabilities: { implemented: ["cron.schedule", "hosting.web"], missing: ["hosting.dns"] },
          testResults: { passed: 1 },
          lastVerified: "2026-01-02",
        },
        {
          name: "sha256:unknown",
          content_hash: "sha256:unknown",
          version_label: null,
          conformanceLevel: null,
          services: ["other"],
          installedAt: "2026-01-02T00:00:00.000Z",
          capabilities: { implemented: [], missing: [] },
          testResults: null,
          lastVerified: null,
        },
      ],
      count: 2,
    });
  });

  test("finds a seed that the install called by its name", async () => {
    await post("/seeds/register", { contentHash: HASH, name: "clock" });
    installed = [{ seed: "clock", services: ["clock"], installedAt: "2026-01-01T00:00:00.000Z" }];
    expect((await conformance()).seeds).toMatchObject([{ name: "clock", content_hash: HASH }]);
  });

  test("is empty where there is no installer", async () => {
    const alone = await createTestHarness({ services: [services] });
    try {
      const { data } = await alone.json("/services/conformance", { auth: true });
      expect(data).toMatchObject({ seeds: [], count: 0 });
    } finally {
      await alone.cleanup();
    }
  });
});
