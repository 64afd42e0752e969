// The arrows of imports never turn: each forbidden import, planted, is found by the linter that everybody runs.
import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const FORBIDDEN: [file: string, imports: string][] = [
  ["src/core/planted.ts", "../tree/tree.js"],
  ["src/core/planted.ts", "../cli.js"],
  ["src/core/isolation/planted.ts", "../../tree/tree.js"],
  ["src/core/isolation/planted.ts", "../../main.js"],
  ["src/tree/planted.ts", "../agent/pool.js"],
  ["src/tree/planted.ts", "../core/config.js"],
  ["src/agent/planted.ts", "../tree/tree.js"],
  ["src/agent/planted.ts", "../tasks/tasks.js"],
  ["src/tasks/planted.ts", "../reef/index.js"],
  ["src/tasks/planted.ts", "../core/registry.js"],
  ["src/tasks/planted.ts", "#core/registry.js"],
  ["src/reef/planted.ts", "../agent/pool.js"],
  ["src/reef/planted.ts", "../main.js"],
  ["src/mcp/planted.ts", "../reef/index.js"],
  ["src/mcp/planted.ts", "../tree/tree.js"],
  ["src/extension/planted.ts", "../core/config.js"],
  ["src/extension/planted.ts", "bun:sqlite"],
  ["src/extension/planted.ts", "../../services/store/index.js"],
  ["src/offline/planted.ts", "../core/errors.js"],
  ["src/cli/planted.ts", "../tree/tree.js"],
  ["services/planted/planted.ts", "../../src/core/types.js"],
  ["services/planted/planted.ts", "#core/registry.js"],
  ["services/planted/planted.ts", "#core/server.js"],
];

const ALLOWED: [file: string, imports: string][] = [
  ["src/core/planted.ts", "./errors.js"],
  ["src/core/planted.ts", "./isolation/isolate.js"],
  ["src/core/isolation/planted.ts", "../errors.js"],
  ["src/tree/planted.ts", "../core/errors.js"],
  ["src/agent/planted.ts", "../core/types.js"],
  ["src/tasks/planted.ts", "../agent/pool.js"],
  ["src/reef/planted.ts", "../core/http.js"],
  ["src/mcp/planted.ts", "../core/http.js"],
  ["src/extension/planted.ts", "../core/client.js"],
  ["src/cli/planted.ts", "../core/client.js"],
  ["services/planted/planted.ts", "#core/types.js"],
  ["services/planted/planted.test.ts", "#core/server.js"],
];

interface Finding {
  rule: string;
  file: string;
}

/** What reef's own configuration says of these files, in a folder of their own. */
async function lint(files: Record<string, string>): Promise<Finding[]> {
  const dir = await mkdtemp(join(tmpdir(), "reef-lint-"));
  try {
    const config = await Bun.file(join(ROOT, "biome.json")).json();
    const written = { ...files, "biome.json": JSON.stringify({ ...config, vcs: { enabled: false } }) };
    for (const [path, text] of Object.entries(written)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    await symlink(join(ROOT, "node_modules"), join(dir, "node_modules"));
    const command = [
      join(ROOT, "node_modules/.bin/biome"),
      "lint",
      "--reporter=json",
      "--max-diagnostics=none",
      ".",
    ];
    const { stdout } = Bun.spawnSync(command, { cwd: dir, stderr: "ignore" });
    const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(
      String(stdout),
    );
    return report.diagnostics.map(({ category, location }) => ({ rule: category, file: location.path }));
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** One file for each import, in the folder that the table names. */
function plant(table: [string, string][]): Record<string, string> {
  return Object.fromEntries(
    table.map(([file, imports], index) => [
      file.replace("planted.", `planted-${index}.`),
      `import "${imports}";\n`,
    ]),
  );
}

test("an import against the arrows is an error, whichever folder it stands in", async () => {
  const planted = plant(FORBIDDEN);
  const found = await lint(planted);
  const fired = found.filter(({ rule }) => rule === "lint/style/noRestrictedImports").map(({ file }) => file);
  expect(fired.toSorted()).toEqual(Object.keys(planted).toSorted());
});

test("an import along the arrows is none", async () => {
  expect(await lint(plant(ALLOWED))).toEqual([]);
});

test("a cycle and a barrel are errors", async () => {
  const found = await lint({
    "src/tree/a.ts": 'import { b } from "./b.js";\nexport const a = () => b;\n',
    "src/tree/b.ts": 'import { a } from "./a.js";\nexport const b = () => a;\n',
    "src/tree/c.ts": 'export { a } from "./a.js";\n',
  });
  expect(found).toContainEqual({ rule: "lint/suspicious/noImportCycles", file: "src/tree/a.ts" });
  expect(found).toContainEqual({ rule: "lint/performance/noBarrelFile", file: "src/tree/c.ts" });
});
