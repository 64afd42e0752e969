// What a start makes of an update that was on its way, and what the updater does by itself.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { createServer } from "#core/server.js";
import type { ServiceModule } from "#core/types.js";
import {
  closeRigs,
  NAME,
  PROJECT,
  type Rig,
  type RigOptions,
  removeFolders,
  startRegistry,
  startUpdater,
  type TestRegistry,
} from "./rig.js";
import { putIn, readUpdate, type Update, writeUpdate } from "./update.js";

let registry: TestRegistry;
let listener: ReturnType<typeof Bun.serve> | undefined;
beforeEach(() => {
  registry = startRegistry();
});
afterEach(async () => {
  await closeRigs();
  await listener?.stop(true);
  await registry.stop();
});
afterAll(removeFolders);

const start = (options: Partial<RigOptions> = {}): Promise<Rig> =>
  startUpdater({ createServer, registry: registry.url, ...options });

/** An updater that has made 1.1.0 ready, and ended. */
async function readied(): Promise<{ rig: Rig; update: Update; dir: string }> {
  const rig = await start();
  await registry.publish({ name: NAME, version: "1.1.0" });
  await rig.updater.apply();
  const update = await until(() => rig.restarts[0]?.into);
  await rig.server.close();
  const dir = join(rig.dataDir, "updater");
  await Bun.write(join(dir, "update.json"), "");
  writeUpdate(dir, update);
  return { rig, update, dir };
}

/** The same installation and data, as the next start finds them. */
function again({ base, dataDir }: Rig, options: Partial<RigOptions> = {}): Promise<Rig> {
  return start({ base, dataDir, ...options });
}

function listen({ server }: Rig): void {
  listener = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => server.app.fetch(request) });
  server.listening(listener.url.href.replace(/\/$/, ""));
}

const outcome = (rig: Rig) => until(() => rig.updater.status().history[0]);
const staged = ({ base }: Rig) =>
  readdirSync(join(base, ".reef-update")).filter((name) => name !== "lock.pid");

describe("at the start after an update (spec §12)", () => {
  test("a new version that answers is applied, and told of", async () => {
    const { rig, update, dir } = await readied();
    putIn(update);
    writeUpdate(dir, { ...update, state: "started" });
    const next = await again(rig);
    expect(next.updater.status()).toMatchObject({ current: "1.1.0", history: [] });
    listen(next);
    const entry = await outcome(next);
    expect(entry).toEqual({ from: "1.0.0", to: "1.1.0", at: entry.at, status: "applied" });
    await until(() => staged(next).length === 0);
    expect(next.told).toEqual([
      ["updater:applied", entry],
      ["reef:event", { type: "updater_applied", source: "updater", content: "Updated from 1.0.0 to 1.1.0" }],
    ]);
    await until(() => !existsSync(join(dir, "update.json")));
    expect(next.restarts).toEqual([]);
    expect((await again(rig)).updater.status().history).toEqual([entry]);
  });

  test("a new version that does not answer in time is put back", async () => {
    const { rig, update, dir } = await readied();
    putIn(update);
    writeUpdate(dir, { ...update, state: "started" });
    const next = await again(rig, { limits: { answerMs: 300, answerLookMs: 20 } });
    const back = await until(() => next.restarts[0]);
    expect(back).toMatchObject({ back: { to: "1.1.0" }, error: "/health did not answer in 0.3 s" });
    expect(next.updater.status().history).toEqual([]);
  });

  test("what the guard judges is left to the guard", async () => {
    const { rig, update, dir } = await readied();
    putIn(update);
    writeUpdate(dir, { ...update, state: "started" });
    const next = await again(rig, { isGuarded: true, limits: { answerMs: 1, answerLookMs: 10 } });
    await Bun.sleep(100);
    expect([next.restarts, next.updater.status().history]).toEqual([[], []]);
    writeUpdate(dir, { ...update, state: "answered" });
    expect(await outcome(next)).toMatchObject({ status: "applied" });
  });

  test("a step that was cut short is finished", async () => {
    const { rig, update } = await readied();
    putIn({ ...update, files: [] });
    const next = await again(rig);
    listen(next);
    expect(await outcome(next)).toMatchObject({ status: "applied" });
    const project = JSON.parse(readFileSync(join(rig.base, "package.json"), "utf8"));
    expect(project.dependencies).toEqual({ [NAME]: "1.1.0" });
  });

  test("the old version says that it was put back, and why", async () => {
    const { rig, update, dir } = await readied();
    writeUpdate(dir, { ...update, state: "put back", error: "it ended with 1 before it answered" });
    const next = await again(rig);
    const entry = await outcome(next);
    expect(entry).toMatchObject({ status: "rolled_back", error: "it ended with 1 before it answered" });
    await until(() => next.told.length === 2);
    expect(next.told).toMatchObject([
      ["updater:failed", entry],
      [
        "reef:event",
        { type: "updater_failed", content: "Update to 1.1.0 taken back: it ended with 1 before it answered" },
      ],
    ]);
    expect(JSON.parse(readFileSync(join(rig.base, "package.json"), "utf8"))).toEqual(PROJECT);
    await until(() => staged(next).length === 0);
  });

  test("an update that had not begun is one that failed", async () => {
    const { rig, dir } = await readied();
    const next = await again(rig);
    const error = "reef ended before the new version was in place";
    expect(await outcome(next)).toMatchObject({ status: "failed", error });
    await until(() => readUpdate(dir) === undefined);
    expect([next.version(), JSON.parse(readFileSync(join(rig.base, "package.json"), "utf8"))]).toEqual([
      "1.0.0",
      PROJECT,
    ]);
  });

  test("200 outcomes are kept, the newest first", async () => {
    const { rig, update, dir } = await readied();
    const next = await again(rig);
    await outcome(next);
    for (let n = 0; n < 3; n++) {
      writeUpdate(dir, { ...update, state: "put back", error: `${n}` });
      const another = await again(rig);
      await until(() => another.updater.status().history[0]?.error === `${n}`);
    }
    expect(next.updater.status().history.map(({ error }) => error?.slice(0, 4))).toEqual([
      "2",
      "1",
      "0",
      "reef",
    ]);
  });
});

describe("by itself (spec §12)", () => {
  test("it looks again and again, tells what is wrong in its status, and no more often while it fails", async () => {
    registry.answerWith(() => new Response("no", { status: 503 }));
    const rig = await start({ limits: { pollMs: 20 } });
    await until(() => registry.requests.length >= 3);
    expect(await rig.ask("GET", "/status")).toMatchObject({
      data: { error: "the registry: it answered 503" },
    });
    expect(rig.told).toEqual([]);
    registry.answerWith(undefined);
    await registry.publish({ name: NAME, version: "1.1.0" });
    await until(() => rig.updater.status().latest === "1.1.0");
    await until(() => !("error" in rig.updater.status()));
    expect(rig.restarts).toEqual([]);
  });

  test("it applies what it finds when no task runs, or when it has waited long enough", async () => {
    let count = 1;
    const reef: ServiceModule = {
      name: "tasks-of-reef",
      mountAtRoot: true,
      routes: new Hono().get("/reef/tasks", (c) => c.json({ tasks: [], count, of: c.req.query("status") })),
    };
    const config = { updateAutoApply: true };
    await registry.publish({ name: NAME, version: "1.1.0" });
    const limits = { pollMs: 20, idleLookMs: 10, idleMs: 60_000 };
    const rig = await start({ modules: [reef], config, limits });
    await until(() => rig.updater.status().updateAvailable);
    await Bun.sleep(100);
    expect(rig.restarts).toEqual([]);
    count = 0;
    expect(await until(() => rig.restarts[0]?.into)).toMatchObject({ to: "1.1.0" });
    await rig.server.close();
    count = 1;
    const hasty = await start({ modules: [reef], config, limits: { ...limits, idleMs: 50 } });
    expect(await until(() => hasty.restarts[0]?.into)).toMatchObject({ to: "1.1.0" });
  });
});

async function until<T>(look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error("It did not come to that.");
    await Bun.sleep(10);
  }
}
