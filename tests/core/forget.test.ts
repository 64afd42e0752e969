// Service folders that somebody else moves: what the registry makes of it, and whose folders are looked at first.
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { moduleSource, openWorld, temporaryDir, type World, write } from "./modules.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function world(changes?: Parameters<typeof openWorld>[0]): Promise<World> {
  const opened = await openWorld(changes);
  worlds.push(opened);
  return opened;
}

const named = (name: string, more: Record<string, string> = {}) => ({
  "index.ts": moduleSource({ name: `"${name}"`, ...more }),
});
const names = ({ registry }: World) => registry.list().map(({ name }) => name);
const records = ({ dataDir }: World) => readFileSync(join(dataDir, "modules.json"), "utf8");

describe("forget", () => {
  test("takes the module of a folder that is gone down, and all that is remembered of it", async () => {
    const w = await world();
    const folder = await w.service("gone", named("gone"));
    await w.registry.load("gone", { deploy: { isolation: "none" } });
    expect(records(w)).toContain("gone");
    await rm(folder, { recursive: true });
    await w.registry.forget("gone");
    expect([names(w), w.registry.problems(), w.registry.kept("gone")]).toEqual([[], [], []]);
    expect(records(w)).not.toContain("gone");
  });

  test("leaves one that others depend on, unless forced; then they wait for it", async () => {
    const w = await world();
    const folder = await w.service("base", named("base"));
    await w.service("user", named("user", { dependencies: '["base"]' }));
    await w.registry.loadAll();
    await rename(folder, `${w.servicesDir}/.base`);
    const refusal = await w.registry.forget("base").catch((error) => error);
    expect(refusal).toMatchObject({ code: "conflict", details: { dependents: ["user"] } });
    expect(names(w)).toEqual(["base", "user"]);
    await w.registry.forget("base", { force: true });
    expect(names(w)).toEqual([]);
    expect(w.registry.problems()).toMatchObject([{ dir: "user", state: "unmet", missing: ["base"] }]);
  });

  test("clears the problem of a folder that is as it was, and leaves its module alone", async () => {
    const w = await world();
    const folder = await w.service("kept", named("kept"));
    await w.registry.load("kept", { deploy: { isolation: "none" } });
    await write(folder, { "index.ts": "throw new Error('broken');" });
    expect(await w.registry.load("kept").catch(() => "refused")).toBe("refused");
    expect(w.registry.problems()).toMatchObject([{ dir: "kept", state: "failed" }]);
    await write(folder, named("kept"));
    await w.registry.forget("kept");
    expect([names(w), w.registry.problems()]).toEqual([["kept"], []]);
    expect(records(w)).toContain("kept");
  });
});

test("at the start the user's folders are looked at when the stock services are up, for one of them may mend them", async () => {
  const stockDir = await temporaryDir();
  const w = await world({ stockDir });
  await w.service("half", named("half"));
  await w.service("a-user", named("a-user"));
  const half = JSON.stringify(join(w.servicesDir, "half"));
  await write(stockDir, {
    "mender/index.ts": moduleSource(
      { name: '"mender"', init: `async () => { await rm(${half}, { recursive: true }); }` },
      'import { rm } from "node:fs/promises";',
    ),
  });
  await w.registry.loadAll();
  expect([names(w), w.registry.problems()]).toEqual([["mender", "a-user"], []]);
  await rm(stockDir, { recursive: true });
});

test("a folder is hashed, and a name looked at, without anything of it being run", async () => {
  const w = await world();
  const folder = await write(join(w.dataDir, "loose"), { "index.ts": "throw new Error('never');" });
  const hash = await w.registry.hashFolder(folder);
  expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  await write(folder, { "node_modules/a/index.js": "", "data/x": "" });
  expect(await w.registry.hashFolder(folder)).toBe(hash);
  expect([
    w.registry.nameProblem("good"),
    w.registry.nameProblem("reef"),
    w.registry.nameProblem("../x"),
  ]).toEqual([
    undefined,
    '"reef" is a reserved service name',
    'invalid name "../x": must match ^[a-z][a-z0-9-]{0,63}$',
  ]);
});
