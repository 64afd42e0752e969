// What holds for every service of the fleet, whatever it does: its documents, its tools, its panel, its life.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { routesOf } from "../../src/core/http.js";
import type { ServiceModule } from "../../src/core/types.js";
import { startServer, type TestServer } from "../core/servers.js";
import { cleanUp, temporaryFolder } from "../flow/reef.js";
import { type Call, routeOf } from "./routes.js";
import { SERVICES_DIR, serviceNamed, serviceNames } from "./services.js";

const DESCRIPTION_WORDS_MAX = 40;

afterAll(cleanUp);

describe.each(serviceNames())("%s", (name) => {
  let module: ServiceModule;
  let server: TestServer;
  let readme: string;
  beforeAll(async () => {
    module = await serviceNamed(name);
    server = await startServer({ modules: [module], config: { dataDir: temporaryFolder() } });
    expect(server.failures).toEqual([]);
    readme = await Bun.file(join(SERVICES_DIR, name, "README.md")).text();
  });
  afterAll(() => server.end());

  const keys = () => Object.keys(module.routeDocs ?? {}).sort();

  test("documents exactly the routes that it has (spec §1.9)", () => {
    const routes = routesOf(module).map(({ method, relativePath }) => `${method} ${relativePath}`);
    expect(keys()).toEqual(routes.sort());
    for (const [key, { summary, response, params = {} }] of Object.entries(module.routeDocs ?? {})) {
      expect([key, summary.length > 0, typeof response]).toEqual([key, true, "string"]);
      const named = Array.from(key.matchAll(/:(\w+)/g), ([, param]) => param ?? "");
      expect([key, ...Object.keys(params)]).toEqual([key, ...named]);
    }
  });

  test("has a curl for every route in its README, and for no other (spec §1.1)", () => {
    expect(readme).toStartWith(`# ${name}\n`);
    const called = new Set(curlsIn(readme).map((call) => routeOf(call, name, keys())));
    expect([...called].sort()).toEqual(keys());
  });

  test("names its tools, its limits and its events in its README (spec §1.1)", async () => {
    for (const tool of server.tools.list()) expect(readme).toContain(`\`${tool.name}\``);
    expect(readme).toMatch(/^\| limit /m);
    const sources = await Array.fromAsync(new Bun.Glob("*.ts").scan(join(SERVICES_DIR, name)));
    for (const file of sources.filter((one) => !one.endsWith(".test.ts"))) {
      const text = await Bun.file(join(SERVICES_DIR, name, file)).text();
      for (const [, event = ""] of text.matchAll(new RegExp(`fire\\("(${name}:\\w+)"`, "g")))
        expect(readme).toContain(event);
      for (const [, event = ""] of text.matchAll(new RegExp(`type: "(${name}_\\w+)"`, "g")))
        expect(readme).toContain(event);
    }
  });

  test("describes its tools in at most 40 words (spec §1.9)", () => {
    for (const tool of server.tools.list()) {
      const words = tool.description.split(/\s+/).length;
      expect([tool.name, words <= DESCRIPTION_WORDS_MAX]).toEqual([tool.name, true]);
    }
  });

  test("has a panel that is one scoped fragment and needs nothing from elsewhere (spec §1.10)", async () => {
    const answer = await server.ask(`/${name}/_panel`);
    const data = await answer.text();
    expect([answer.status, answer.headers.get("content-type")?.toLowerCase()]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    expect(data).toMatch(new RegExp(`^<style>\\s*\\.panel-${name} \\{`));
    expect(data).toContain(`<div class="panel-${name}"`);
    expect(data.match(/<script[^>]*>/g)).toEqual(["<script>"]);
    expect(data).not.toMatch(/https?:\/\/|<link|<iframe|\son\w+="|localStorage|document\.cookie|\balert\(/);
    const [, script = ""] = /<script>([\s\S]*)<\/script>/.exec(data) ?? [];
    expect(script.trim()).toMatch(/^\(\(\) => \{[\s\S]*\}\)\(\);$/);
    expect(() => new Bun.Transpiler({ loader: "js" }).transformSync(script)).not.toThrow();
  });

  test("is closed to those without a token, except where it says so (spec §1.7)", async () => {
    for (const key of keys()) {
      const [method = "", path = ""] = key.split(" ");
      const url = `/${name}${path.replace(/:\w+/g, "x")}`;
      const { status } = await server.app.request(url, { method });
      expect([key, status === 401]).toEqual([key, !(module.publicRoutes ?? []).includes(key)]);
    }
  });

  test("holds nothing twice after it was undone and started again (spec §1.1)", async () => {
    const holds = () => server.registry.list().find((one) => one.name === name)?.holds;
    const before = holds();
    await server.registry.unload(name);
    await server.registry.addObject(module);
    expect(holds()).toEqual(before);
    expect((await server.ask(`/${name}/_panel`)).status).toBe(200);
  });
});

/** The calls of a README's shell blocks; a command may go on in the next line. */
function curlsIn(readme: string): Call[] {
  const blocks = Array.from(readme.matchAll(/```sh\n([\s\S]*?)```/g), ([, block = ""]) => block);
  const commands = blocks.flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  return commands.filter((command) => command.startsWith("curl ")).map(callOf);
}

function callOf(command: string): Call {
  const [, path = ""] = /\$REEF(\/[^\s"'?]*)/.exec(command) ?? [];
  const [, method = / -d /.test(command) ? "POST" : "GET"] = / -X (\w+)/.exec(command) ?? [];
  return { method, path };
}
