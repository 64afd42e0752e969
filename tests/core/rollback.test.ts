// Deployed versions: kept, made live again, pinned as long as the folder holds what was rolled back from.
import { afterEach, expect, test } from "bun:test";
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Isolation } from "../../src/core/types.js";
import { openWorld, type World } from "./modules.js";

const worlds: World[] = [];
const world = async (changes: Parameters<typeof openWorld>[0] = {}) => {
  const opened = await openWorld(changes);
  worlds.push(opened);
  return opened;
};
afterEach(async () => {
  for (const one of worlds.splice(0)) await one.close();
});

const saying = (text: string, more = "") => ({
  "index.ts": `export default { name: "x", description: ${JSON.stringify(text)} ${more} };`,
});
const live = (w: World) => w.registry.list().find(({ name }) => name === "x");
const hashOf = (w: World) => live(w)?.hash ?? "";

async function deploy(w: World, text: string, isolation: Isolation = "none"): Promise<string> {
  await w.service("x", saying(text));
  await w.registry.load("x", { copy: await w.registry.stage("x"), deploy: { isolation } });
  return hashOf(w);
}

async function restarted(w: World): Promise<World> {
  await w.registry.close();
  const next = await world({ servicesDir: w.servicesDir, dataDir: w.dataDir });
  await next.registry.loadAll();
  return next;
}

test("the version before the current one is live again and pinned, over reload all and a restart (spec §6.2)", async () => {
  const w = await world();
  const first = await deploy(w, "first");
  const second = await deploy(w, "second");
  expect(await w.registry.rollback("x")).toEqual({ name: "x", from: second, to: first });
  expect(live(w)).toMatchObject({ description: "first", hash: first, pinned: second });
  expect(await w.registry.reloadAll()).toEqual({ results: [{ name: "x", action: "unchanged" }], errors: [] });
  expect((await w.registry.reloadAll({ force: true })).results).toEqual([{ name: "x", action: "updated" }]);
  expect(live(w)).toMatchObject({ description: "first", pinned: second });
  const next = await restarted(w);
  expect(live(next)).toMatchObject({ description: "first", hash: first, pinned: second });
});

test("a version that was being tried when reef was killed does not come up; the one that was live does (spec §6.2)", async () => {
  const w = await world();
  await w.service("x", saying("live"));
  await w.registry.load("x");
  const hash = hashOf(w);
  await w.service("x", saying("tried"));
  const tried = await w.registry.stage("x");
  const next = await restarted(w);
  expect(live(next)).toMatchObject({ hash, pinned: tried.hash });
  await next.service("x", saying("edited"));
  await next.registry.reloadAll();
  expect(live(next)).toMatchObject({ description: "edited" });
  expect(live(next)?.pinned).toBeUndefined();
});

test.each(["dropped", "refused"])(
  "a copy that was %s leaves no trace over a restart (spec §6.2)",
  async (fate) => {
    const w = await world();
    await w.service("x", saying("live"));
    await w.registry.load("x");
    await w.service("x", saying("edited", ', init() { if (!globalThis.isAllowed) throw new Error("no"); }'));
    const copy = await w.registry.stage("x");
    if (fate === "dropped") await w.registry.drop(copy);
    else await expect(w.registry.load("x", { copy, deploy: { isolation: "none" } })).rejects.toThrow("no");
    expect(live(w)?.description).toBe("live");
    await w.service("x", saying("edited again"));
    const next = await restarted(w);
    expect(live(next)?.pinned).toBeUndefined();
    expect(next.registry.kept("x")).toEqual([]);
  },
);

test("an edit of the folder ends the pin, and so do a reload by name and a deployment (spec §6.2)", async () => {
  const w = await world();
  await deploy(w, "first");
  await deploy(w, "second");
  await w.registry.rollback("x");
  await w.service("x", saying("edited"));
  await w.registry.reloadAll();
  expect(live(w)?.description).toBe("edited");
  expect(live(w)?.pinned).toBeUndefined();
  await deploy(w, "second");
  await w.registry.rollback("x");
  await w.registry.load("x");
  expect(live(w)).toMatchObject({ description: "second" });
  expect(live(w)?.pinned).toBeUndefined();
  expect(live(await restarted(w))?.description).toBe("second");
});

test("a pin does not come back with the content that it was for", async () => {
  const w = await world();
  await deploy(w, "first");
  await deploy(w, "second");
  await w.registry.rollback("x");
  await w.service("x", saying("edited"));
  await w.registry.reloadAll();
  await w.service("x", saying("second"));
  await w.registry.reloadAll();
  expect(live(w)).toMatchObject({ description: "second" });
});

test("the last five deployed versions are kept, and going back twice goes back two versions (spec §6.2)", async () => {
  const w = await world();
  const hashes: string[] = [];
  for (const text of ["1", "2", "3", "4", "5", "6"]) hashes.push(await deploy(w, text));
  expect(w.registry.kept("x")).toEqual(hashes.slice(1).toReversed());
  expect(await readdir(join(w.dataDir, "versions", "x"))).toHaveLength(5);
  await w.registry.rollback("x");
  await w.registry.rollback("x");
  expect(live(w)).toMatchObject({ description: "4", pinned: hashes[5] });
  await w.registry.rollback("x", hashes[1]);
  expect(live(w)?.description).toBe("2");
  await expect(w.registry.rollback("x")).rejects.toMatchObject({
    code: "conflict",
    message: "Nothing to roll back to",
  });
  await expect(w.registry.rollback("x", hashes[0])).rejects.toMatchObject({ code: "not_found" });
  await expect(w.registry.rollback("x", hashes[1])).rejects.toMatchObject({ code: "conflict" });
  await expect(w.registry.rollback("absent")).rejects.toMatchObject({ code: "not_found" });
});

test("after a roll-back the next deployment's predecessor is the version that was live", async () => {
  const w = await world();
  await deploy(w, "good");
  await deploy(w, "bad");
  await w.registry.rollback("x");
  await deploy(w, "next");
  await w.registry.rollback("x");
  expect(live(w)?.description).toBe("good");
});

test("the version that was only loaded is kept when the first deployment takes its place", async () => {
  const w = await world();
  await w.service("x", saying("loaded"));
  await w.registry.loadAll();
  await deploy(w, "deployed");
  await w.registry.rollback("x");
  expect(live(w)?.description).toBe("loaded");
});

test("a deployment that does not come up is not kept and changes no record", async () => {
  const w = await world();
  const first = await deploy(w, "first");
  await deploy(w, "second");
  await w.registry.rollback("x");
  await w.service("x", saying("broken", ", init() { throw new Error('no') }"));
  const copy = await w.registry.stage("x");
  await expect(w.registry.load("x", { copy, deploy: { isolation: "none" } })).rejects.toThrow(
    "init() failed: no",
  );
  expect(live(w)).toMatchObject({ description: "first", hash: first });
  expect(live(w)?.pinned).toBeDefined();
  expect(w.registry.kept("x")).toHaveLength(2);
});

test("a verification that fails on the last step leaves records and the old version as they were", async () => {
  const w = await world();
  const first = await deploy(w, "first");
  await w.service("x", saying("second"));
  const copy = await w.registry.stage("x");
  const verify = () => Promise.reject(new Error("not good enough"));
  await expect(w.registry.load("x", { copy, verify, deploy: { isolation: "none" } })).rejects.toThrow(
    "good enough",
  );
  expect(hashOf(w)).toBe(first);
  expect(w.registry.kept("x")).toEqual([first]);
});

test("files of a version that no record names are swept at the next start", async () => {
  const w = await world();
  await deploy(w, "first");
  await w.service("x", saying("second"));
  const copy = await w.registry.stage("x");
  const verify = () => Promise.reject(new Error("no"));
  await expect(w.registry.load("x", { copy, verify, deploy: { isolation: "none" } })).rejects.toThrow("no");
  expect(await readdir(join(w.dataDir, "versions", "x"))).toHaveLength(2);
  const next = await restarted(w);
  expect(await readdir(join(next.dataDir, "versions", "x"))).toHaveLength(1);
});

test("nothing is remembered of a folder that goes", async () => {
  const w = await world();
  await deploy(w, "first");
  await deploy(w, "second");
  await rm(join(w.servicesDir, "x"), { recursive: true });
  await w.registry.reloadAll();
  expect(w.registry.kept("x")).toEqual([]);
  expect(await readdir(join(w.dataDir, "versions"))).toEqual([]);
});

test("a version that cannot be stored is not deployed, and the old one serves (spec §1.5)", async () => {
  if (process.getuid?.() === 0) {
    // For root no folder is read-only: a file where the folder has to be does the same.
    const w = await world();
    await w.service("x", saying("first"));
    await w.registry.loadAll();
    await Bun.write(join(w.dataDir, "versions"), "in the way");
    await expect(deploy(w, "second")).rejects.toThrow();
    expect(live(w)?.description).toBe("first");
    return;
  }
  const w = await world();
  await w.service("x", saying("first"));
  await w.registry.loadAll();
  await chmod(w.dataDir, 0o500);
  await expect(deploy(w, "second")).rejects.toThrow();
  await chmod(w.dataDir, 0o700);
  expect(live(w)?.description).toBe("first");
});
