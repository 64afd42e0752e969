// The scaffold in a real reef: what it makes is live at once, passes a deploy, and is at hand for the task that asked.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, type Reef, ROOT, startReef, temporaryFolder } from "./reef.js";

const LIMIT_MS = 120_000;

let reef: Reef;
beforeAll(async () => {
  reef = await startWithScaffold();
}, LIMIT_MS);
afterAll(cleanUp);

/** The folder is copied as the README of reef says. */
function startWithScaffold(env: Record<string, string> = {}): Promise<Reef> {
  const servicesDir = temporaryFolder();
  cpSync(join(ROOT, "examples/services/scaffold"), join(servicesDir, "scaffold"), { recursive: true });
  return startReef({ servicesDir, token: "flow-token", env });
}

const GAUGE = {
  name: "gauge",
  description: `Measures "things", */ and \${more}`,
  routes: [
    { method: "POST", path: "/record", body: { value: { type: "number", required: true } } },
    { method: "GET", path: "/" },
    { method: "GET", path: "/:id" },
  ],
  store: "sqlite",
  tools: true,
  panel: true,
  readme: true,
};

test(
  "a new service is live, passes its own tests in a deploy, and its tool is callable (spec §11)",
  async () => {
    const made = await reef.api("POST", "/scaffold/create", GAUGE);
    expect([made.loaded, made.loadError, made.count]).toEqual([true, undefined, 6]);
    expect(made.directory).toBe(join(reef.servicesDir, "gauge"));
    const item = await reef.api("POST", "/gauge/record", { value: 1 });

    const deployed = await reef.api("POST", "/services/deploy", { name: "gauge" });
    expect(deployed.steps.map(({ step, status }: Record<string, string>) => [step, status])).toEqual([
      ["validate", "passed"],
      ["test", "passed"],
      ["load", "passed"],
      ["verify", "passed"],
    ]);
    expect(await reef.api("GET", `/gauge/${item.id}`)).toEqual(item);

    const result = await reef.api("POST", "/reef/tools/gauge_post_record", { params: { value: 2 } });
    expect(result.details.result).toMatchObject({ value: 2 });
    expect((await reef.api("GET", "/gauge")).count).toBe(2);
    expect(await (await reef.fetch("/gauge/_panel")).text()).toContain('class="panel-gauge"');
    const { routes } = await reef.api("GET", "/docs/gauge");
    expect(routes).toHaveLength(4);
  },
  LIMIT_MS,
);

test(
  "a task makes a service by a tool call, the event hangs under that call, and the new tool is its next one (spec §11)",
  async () => {
    const request = { name: "tally", tools: true, routes: GAUGE.routes, store: "sqlite" };
    const task = `call scaffold_create ${JSON.stringify(request)}\ncall tally_post_record {"value": 3}`;
    await reef.submit({ task, taskId: "maker" });
    const { status, nodes } = await reef.over("maker");
    expect(status).toBe("done");
    const [creating, recording] = nodes.filter(({ role }) => role === "tool_call");
    expect([creating?.toolName, recording?.toolName]).toEqual(["scaffold_create", "tally_post_record"]);
    const event = (await reef.nodes()).find(
      ({ eventType, content }) => eventType === "scaffold_created" && content.includes("tally"),
    );
    expect(event).toMatchObject({ parentId: creating?.id ?? "", source: "scaffold" });
    expect((await reef.api("GET", "/tally")).items).toMatchObject([{ value: 3 }]);
  },
  LIMIT_MS,
);

test(
  "a task without the scope deploy makes none (spec §11)",
  async () => {
    const task = 'call scaffold_create {"name": "forbidden"}';
    await reef.submit({ task, taskId: "limited", scopes: ["modules"] });
    const { nodes } = await reef.over("limited");
    const result = nodes.find(({ role }) => role === "tool_result");
    expect(result?.content).toContain('Forbidden — scope "deploy" is required');
    expect((await reef.fetch("/forbidden")).status).toBe(404);
    expect((await reef.api("POST", "/scaffold/create", { name: "forbidden", load: false })).count).toBe(2);
  },
  LIMIT_MS,
);

test(
  "in a process of its own the scaffold writes the files, and leaves it to a deploy to load them (spec reef §5.8)",
  async () => {
    const isolated = await startWithScaffold({ REEF_ISOLATE: "all" });
    const made = await isolated.api("POST", "/scaffold/create", GAUGE);
    expect([made.count, made.loaded]).toEqual([6, false]);
    expect(made.loadError).toBe("a service in a process of its own cannot manage services");
    expect((await isolated.api("POST", "/services/deploy", { name: "gauge" })).deployed).toBe(true);
    expect(await isolated.api("POST", "/gauge/record", { value: 1 })).toMatchObject({ value: 1 });
    await isolated.stop();
  },
  LIMIT_MS,
);
