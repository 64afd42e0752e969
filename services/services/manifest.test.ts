// The manifest of modules that each test makes up.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createTestHarness } from "#core/testing.js";
import type { ServiceModule } from "#core/types.js";
import services from "./index.js";
import { manifestOf } from "./manifest.js";

const of = (modules: ServiceModule[], config = {}, tools = new Map<string, string[]>()) =>
  manifestOf({ modules, tools, config });

describe("routes", () => {
  test("have full paths, documented or not, without middleware (spec §6.3)", () => {
    const routes = new Hono()
      .use(async (_c, next) => next())
      .get("/", (c) => c.text(""))
      .post("/:id/steps", (c) => c.text(""))
      .all("/any", (c) => c.text(""));
    const routeDocs = {
      "POST /:id/steps": { summary: "Add a step", body: {}, detail: "At length." },
      "GET /no": { summary: "" },
    };
    const manifest = of([{ name: "steps", routes, routeDocs }]);
    expect(manifest.routes).toEqual([
      { service: "steps", method: "GET", path: "/steps/", description: null },
      { service: "steps", method: "POST", path: "/steps/:id/steps", description: "Add a step" },
      { service: "steps", method: "ALL", path: "/steps/any", description: null },
    ]);
    expect(manifest.services[0]?.routes).toEqual({
      "GET /steps/": { description: null },
      "POST /steps/:id/steps": { description: "Add a step", body: {} },
      "ALL /steps/any": { description: null },
    });
  });

  test("of a module at the root have no prefix, and handlers of one route count once (spec §6.3)", () => {
    const routes = new Hono().get(
      "/x",
      async (_c, next) => next(),
      (c) => c.text(""),
    );
    expect(of([{ name: "site", routes, mountAtRoot: true }]).routes).toEqual([
      { service: "site", method: "GET", path: "/x", description: null },
    ]);
  });
});

test("features are what a module has, a panel also when it is undocumented (spec §6.3)", () => {
  const full: ServiceModule = {
    name: "full",
    routes: new Hono().get("/_panel", (c) => c.html("")),
    registerTools() {},
    registerBehaviors() {},
    widget: { getLines: async () => [] },
    capabilities: ["full.power"],
    dependencies: ["bare"],
  };
  const manifest = of([{ name: "bare" }, full], {}, new Map([["full", ["full_a", "full_b"]]]));
  expect(manifest.services[0]).toEqual({ name: "bare", description: null, dependencies: [], features: [] });
  expect(manifest.services[1]).toMatchObject({
    features: ["routes", "tools", "behaviors", "widget", "panel"],
    provides: ["full.power"],
    tools: ["full_a", "full_b"],
    dependencies: ["bare"],
  });
  expect(manifest).toMatchObject({
    servicesWithTools: ["full"],
    servicesWithBehaviors: ["full"],
    servicesWithPanels: ["full"],
    count: 2,
  });
});

describe("the substrate", () => {
  const machine = ["state.branch", "state.branch.fast", "state.snapshot", "state.snapshot.fast"];

  test.each([
    [{}, []],
    [{ apiUrl: "https://api.example" }, machine],
    [{ vmId: "vm-1" }, machine],
    [{ publicUrl: "https://reef.example" }, ["hosting.dns", "hosting.web.public"]],
  ])("with %j has its capabilities, sorted (spec §6.3)", (config, more) => {
    const { capabilities } = of([], config).substrate;
    expect(capabilities).toEqual(["event.trigger", "hosting.web", "state.persist", ...more].toSorted());
  });

  test("has what the modules provide, each once (spec §6.3)", () => {
    const modules = ["a", "b"].map((name) => ({ name, capabilities: ["cron.schedule", "hosting.web"] }));
    expect(of(modules).substrate.capabilities).toEqual([
      "cron.schedule",
      "event.trigger",
      "hosting.web",
      "state.persist",
    ]);
  });
});

test("GET /services/manifest names the tools of each service, as agents are offered them (spec §6.3)", async () => {
  const tools = [
    { name: "x_a", service: "x" },
    { name: "reef_submit", service: "reef" },
    { name: "x_b", service: "x" },
  ];
  // Stands in for the built-in module, which a harness has not.
  const reef: ServiceModule = {
    name: "reef",
    routes: new Hono().get("/tools", (c) => c.json({ tools, count: 3, version: "1" })),
  };
  const harness = await createTestHarness({ services: [services, reef, { name: "x", registerTools() {} }] });
  try {
    const { status, data } = await harness.json("/services/manifest", { auth: true });
    expect(status).toBe(200);
    expect(data.services.find(({ name }: { name: string }) => name === "x").tools).toEqual(["x_a", "x_b"]);
  } finally {
    await harness.cleanup();
  }
});

test("without /reef the manifest is there all the same (spec §5.6)", async () => {
  const harness = await createTestHarness({ services: [services] });
  try {
    const { status, data } = await harness.json("/services/manifest", { auth: true });
    expect(status).toBe(200);
    expect(data).toMatchObject({ count: 1, services: [{ name: "services", features: ["routes"] }] });
    expect(data.routes).toContainEqual({
      service: "services",
      method: "POST",
      path: "/services/reload",
      description: expect.any(String),
    });
  } finally {
    await harness.cleanup();
  }
});
