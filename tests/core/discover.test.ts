// From folders to modules: candidates, imports, shapes, order.
import { afterAll, expect, test } from "bun:test";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  discoverServiceModules,
  filterClientModules,
  loadServiceModule,
  scanServices,
} from "../../src/core/discover.js";
import { listener, moduleSource, temporaryDir, write } from "./modules.js";

const root = await temporaryDir();
afterAll(() => rm(root, { recursive: true, force: true }));

let made = 0;
async function folder(source: string, files: Record<string, string> = {}): Promise<string> {
  made++;
  return write(join(root, `service-${made}`), { "index.ts": source, ...files });
}

test("candidates are folders and links to folders with index.ts, in name order; dot entries are skipped (spec §5.2)", async () => {
  const dir = await write(join(root, "scan"), {
    "b/index.ts": "",
    "a/index.ts": "",
    ".hidden/index.ts": "",
    "empty/readme.md": "",
    "file.ts": "",
  });
  await symlink(join(dir, "a"), join(dir, "link"));
  await symlink(join(dir, "nowhere"), join(dir, "gone"));
  const { candidates, broken } = await scanServices(dir);
  expect(candidates.map((candidate) => candidate.folder)).toEqual(["a", "b", "link"]);
  expect(broken).toEqual(["gone"]);
});

test("discovery gives modules in dependency order and logs the problems of the others", async () => {
  const dir = await write(join(root, "found"), {
    "a/index.ts": moduleSource({ name: `"a"`, dependencies: `["z"]` }),
    "b/index.ts": moduleSource({ name: `"b"`, dependencies: `["nope"]` }),
    "c/index.ts": moduleSource({ name: `"c"`, dependencies: `["b"]` }),
    "d/index.ts": "throw new Error('boom')",
    "e/index.ts": moduleSource({ name: `"e"`, dependencies: `["e"]` }),
    "f/index.ts": moduleSource({ name: `"z"` }),
    "g/index.ts": moduleSource({ name: `"z"` }),
    "h/index.ts": moduleSource({ name: `"health"` }),
  });
  const { log, lines } = listener();
  expect((await discoverServiceModules(dir, log)).map(({ name }) => name)).toEqual(["z", "a"]);
  expect(lines).toEqual([
    "warn d: import error: boom",
    `warn g: duplicate name "z"`,
    `warn h: "health" is a reserved service name`,
    "warn e: Dependency cycle: e -> e",
    `warn b: Missing dependency "nope"`,
    `warn c: Missing dependency "b"`,
  ]);
});

test("discovery rejects if the folder does not exist", async () => {
  await expect(discoverServiceModules(join(root, "nowhere"))).rejects.toThrow("ENOENT");
});

test("an edit in an inner file is in the next load", async () => {
  const dir = await folder(
    `import { n } from "./lib/n.js"; export default { name: "inner", description: n };`,
    {
      "lib/n.ts": "export const n = 'one';",
    },
  );
  expect((await loadServiceModule(dir)).description).toBe("one");
  await writeFile(join(dir, "lib/n.ts"), "export const n = 'two';");
  expect((await loadServiceModule(dir)).description).toBe("two");
});

test("a version that failed in any way can be repaired in any file and loaded (spec §5.3)", async () => {
  const dir = await folder(
    `import { n } from "./n.js"; export default { name: "repaired", description: n };`,
  );
  for (const [source, problem] of [
    ["export const m = 1;", "import error: Export named 'n' not found in module 'n.ts'."],
    [
      "export const n = 1; export const n = 2; const n = 3;",
      `import error: n.ts:1:34: "n" has already been declared`,
    ],
    ["export const n = ;", "import error: n.ts:1:18: Unexpected ;"],
    ["throw new Error('early'); export const n = '';", "import error: early"],
    [
      "import './nope.js'; export const n = '';",
      "import error: Cannot find module './nope.js' imported from n.ts",
    ],
    ["throw undefined; export const n = '';", "import error: undefined"],
  ] as const) {
    await writeFile(join(dir, "n.ts"), source);
    await expect(loadServiceModule(dir)).rejects.toThrow(problem);
  }
  await writeFile(join(dir, "n.ts"), "export const n = 'well';");
  expect((await loadServiceModule(dir)).description).toBe("well");
});

test("the default export has to be an object with a name and fields of their types (spec §5.2)", async () => {
  for (const [source, problem] of [
    ["export const x = 1;", "default export missing 'name' property"],
    ["export default function named() {}", "default export missing 'name' property"],
    ["export default null", "default export missing 'name' property"],
    ["export default { name: 5 }", "default export missing 'name' property"],
    [`export default { name: "x", routes: {} }`, `"routes" must be a Hono app. Received: object`],
    [
      `export default { name: "x", dependencies: "a" }`,
      `"dependencies" must be an array of strings. Received: string`,
    ],
    [
      `export default { name: "x", publicRoutes: [1] }`,
      `"publicRoutes" must be an array of strings. Received: an array`,
    ],
    [`export default { name: "x", init: null }`, `"init" must be a function. Received: null`],
    [
      `export default { name: "x", store: { flush: 1 } }`,
      `"store" must be an object with flush() or close(). Received: object`,
    ],
    [
      `export default { name: "x", maxBodyBytes: 0.5 }`,
      `"maxBodyBytes" must be a positive integer. Received: number`,
    ],
    [`export default { name: "x", get store() { throw new Error("trap"); } }`, "trap"],
  ] as const) {
    await expect(loadServiceModule(await folder(source))).rejects.toThrow(problem);
  }
});

test("of reef a module may import the public files of the kernel only, and types of all (spec §5.2)", async () => {
  for (const source of [
    `import "#core/registry.js"; export default { name: "x" };`,
    `import "../../src/core/config.js"; export default { name: "x" };`,
    `import "../../src/tree/tree.js"; export default { name: "x" };`,
    `import "./lib/deep.js"; export default { name: "x" };`,
  ]) {
    const dir = await folder(source, { "lib/deep.ts": `import "../../../src/core/scope.js";` });
    await expect(loadServiceModule(dir)).rejects.toThrow(
      "but of reef a service may import only core's types, errors",
    );
  }
  const dir = await folder(
    `import type { Registry } from "#core/registry.js"; import { ReefError } from "#core/errors.js";
    export default { name: "x", description: ReefError.name } as { name: string; r?: Registry };`,
    { "x.test.ts": `import "../../src/core/server.js";` },
  );
  expect((await loadServiceModule(dir)).description).toBe("ReefError");
});

test("client modules are those with tools, behaviors or a widget (spec §5.6)", () => {
  const modules = [
    { name: "a" },
    { name: "b", registerTools() {} },
    { name: "c", registerBehaviors() {} },
    { name: "d", widget: { getLines: async () => [] } },
  ];
  expect(filterClientModules(modules).map(({ name }) => name)).toEqual(["b", "c", "d"]);
});

test("a folder that is a link is imported like any other", async () => {
  const dir = await folder(moduleSource({ name: `"target"` }));
  await mkdir(join(root, "links"), { recursive: true });
  await symlink(dir, join(root, "links", "x"));
  expect((await loadServiceModule(join(root, "links", "x"))).name).toBe("target");
});
