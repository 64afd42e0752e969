// The updater against a registry on loopback: looks, refusals, what it makes ready, and what it knows afterwards.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "#core/server.js";
import { createTestHarness } from "#core/testing.js";
import updaterModule from "./index.js";
import {
  closeRigs,
  NAME,
  PROJECT,
  programEnv,
  type Rig,
  type RigOptions,
  removeFolders,
  startRegistry,
  startUpdater,
  TASK_TOKEN,
  type TestRegistry,
  temporaryFolder,
  write,
} from "./rig.js";
import type { Update } from "./update.js";

let registry: TestRegistry;
beforeEach(() => {
  registry = startRegistry();
});
afterEach(async () => {
  await closeRigs();
  await registry.stop();
});
afterAll(removeFolders);

const start = (options: Partial<RigOptions> = {}): Promise<Rig> =>
  startUpdater({ createServer, registry: registry.url, ...options });
const newer = (files = { "new.txt": "new" }) => registry.publish({ name: NAME, version: "1.1.0" }, files);

describe("GET /updater/status (spec §12)", () => {
  test("knows the package and nothing of the registry before the first look", async () => {
    const { ask } = await start({ config: { updatePollMinutes: 30, updateAutoApply: true } });
    expect(await ask("GET", "/status")).toEqual({
      status: 200,
      data: {
        package: NAME,
        current: "1.0.0",
        latest: null,
        updateAvailable: false,
        lastChecked: null,
        checking: false,
        applying: false,
        pollInterval: 30,
        autoApply: true,
        history: [],
      },
    });
    expect(registry.requests).toEqual([]);
  });

  test("of reef itself it is reef's own package.json", async () => {
    const harness = await createTestHarness({ services: [updaterModule] });
    const { data } = await harness.json("/version", { auth: true });
    const { version } = data;
    const status = await harness.json("/updater/status", { auth: true });
    await harness.cleanup();
    expect(status.data).toMatchObject({
      current: version,
      pollInterval: 60,
      autoApply: false,
    });
  });
});

describe("POST /updater/check (spec §12)", () => {
  test.each([
    ["1.0.0", "1.0.1", true],
    ["1.9.0", "1.10.0", true],
    ["1.0.0-beta.2", "1.0.0", true],
    ["1.0.0", "1.0.0", false],
    ["1.0.0", "1.0.0+build.7", false],
    ["1.0.0", "0.9.9", false],
    ["1.0.0", "2.0.0-rc.1", false],
  ])("with %s running, %s is an update: %p", async (current, latest, updateAvailable) => {
    const { ask } = await start({ current });
    await registry.publish({ name: NAME, version: latest });
    const checked = { package: NAME, current, latest, updateAvailable };
    expect(await ask("POST", "/check")).toEqual({ status: 200, data: checked });
    expect(registry.requests).toEqual([`GET /${NAME}/latest`]);
    const { data } = await ask("GET", "/status");
    expect(data).toMatchObject({
      latest,
      updateAvailable,
      lastChecked: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test("tells of a newer version once, also over a restart", async () => {
    const first = await start();
    await newer();
    await first.updater.check();
    await first.updater.check();
    const found = { package: NAME, current: "1.0.0", latest: "1.1.0" };
    const content = `${NAME} 1.1.0 is available, 1.0.0 runs`;
    expect(first.told).toEqual([
      ["updater:available", found],
      ["reef:event", { type: "updater_available", source: "updater", content }],
    ]);
    await first.server.close();
    const second = await start({ base: first.base, dataDir: first.dataDir });
    expect(second.updater.status()).toMatchObject({ latest: "1.1.0", updateAvailable: true });
    await second.updater.check();
    expect(second.told).toEqual([]);
  });

  test("refuses a second look while one is on its way", async () => {
    const { ask } = await start();
    const answer = Promise.withResolvers<Response>();
    registry.answerWith(() => answer.promise);
    const first = ask("POST", "/check");
    while (registry.requests.length === 0) await Bun.sleep(5);
    expect(await ask("GET", "/status")).toMatchObject({ data: { checking: true } });
    expect(await ask("POST", "/check")).toEqual({
      status: 409,
      data: { error: "Already checking", code: "conflict" },
    });
    answer.resolve(Response.json({ version: "1.0.0" }));
    expect((await first).status).toBe(200);
  });

  test.each<[string, () => Response, string]>([
    ["a failure", () => new Response("no", { status: 500 }), "the registry: it answered 500"],
    ["no such package", () => new Response("no", { status: 404 }), "the registry: it answered 404"],
    ["no version", () => Response.json({ version: "latest" }), "the registry: it named no version"],
    ["another form", () => Response.json([1]), "the registry: it named no version"],
    [
      "too much",
      () => new Response("x".repeat(1_048_577)),
      "the registry: an answer of more than 1048576 bytes",
    ],
  ])("answers 502 with the reason for %s", async (_what, answer, error) => {
    const { ask, updater } = await start();
    registry.answerWith(answer);
    expect(await ask("POST", "/check")).toEqual({ status: 502, data: { error, code: "upstream_failed" } });
    expect(updater.status()).toMatchObject({ latest: null, lastChecked: null });
  });

  test("answers 502 for what is no JSON, and when nobody answers", async () => {
    const { ask } = await start();
    registry.answerWith(() => new Response("<html>"));
    expect(await ask("POST", "/check")).toMatchObject({ status: 502 });
    await registry.stop();
    const { status, data } = await ask("POST", "/check");
    expect([status, data]).toMatchObject([502, { error: expect.stringMatching(/^the registry: ./) }]);
  });

  test("asks the registry that npm is configured with", async () => {
    const home = temporaryFolder();
    await write(home, { ".npmrc": `registry=http://127.0.0.1:9/\n@test:registry=${registry.url}/\n` });
    const { ask } = await start({ config: { npmRegistry: undefined, baseEnv: programEnv(home) } });
    await newer();
    expect(await ask("POST", "/check")).toMatchObject({ status: 200, data: { latest: "1.1.0" } });
  });
});

describe("POST /updater/apply (spec §12)", () => {
  test("is for operators", async () => {
    const { ask } = await start();
    expect(await ask("POST", "/apply", TASK_TOKEN)).toEqual({
      status: 403,
      data: { error: 'Forbidden — scope "admin" is required', code: "forbidden" },
    });
    expect(registry.requests).toEqual([]);
  });

  test("looks first, and does nothing when there is nothing newer", async () => {
    const { ask, restarts } = await start({ isClone: true });
    await registry.publish({ name: NAME, version: "1.0.0" });
    expect(await ask("POST", "/apply")).toEqual({ status: 200, data: { message: "Already up to date" } });
    expect(restarts).toEqual([]);
  });

  test("refuses a clone, whether or not the registry answers", async () => {
    const { ask, updater } = await start({ isClone: true });
    const refused = {
      status: 409,
      data: { error: "not installed from npm: update with git", code: "conflict" },
    };
    await newer();
    expect(await ask("POST", "/apply")).toEqual(refused);
    await registry.stop();
    expect(await ask("POST", "/apply")).toEqual(refused);
    expect(updater.status().history).toEqual([]);
  });

  test.each(["pnpm-lock.yaml", "yarn.lock"])("refuses a project with a %s", async (lockfile) => {
    const { ask } = await start({ lockfile });
    await newer();
    const error = `installed with ${lockfile}: update with its package manager`;
    expect(await ask("POST", "/apply")).toEqual({ status: 409, data: { error, code: "conflict" } });
  });

  test("makes that very version ready beside the one that runs, with scripts off, and then restarts", async () => {
    const { ask, restarts, base, updater, version } = await start();
    await registry.publish(
      { name: NAME, version: "1.1.0", scripts: { postinstall: "echo ran > ran.txt" } },
      { "new.txt": "new" },
    );
    expect(await ask("POST", "/apply")).toEqual({
      status: 200,
      data: { message: "Updating to 1.1.0: reef restarts", from: "1.0.0", to: "1.1.0" },
    });
    expect(updater.status().applying).toBe(true);
    expect(await ask("POST", "/apply")).toEqual({
      status: 409,
      data: { error: "Already applying", code: "conflict" },
    });
    const update = await restart(restarts);
    expect(update).toMatchObject({ from: "1.0.0", to: "1.1.0", state: "ready" });
    expect(version()).toBe("1.0.0");
    const staged = join(update.staged, NAME);
    expect(readdirSync(staged).sort()).toEqual(["new.txt", "package.json"]);
    const next = JSON.parse(readFileSync(join(base, ".reef-update/next/package.json"), "utf8"));
    expect(next.dependencies).toEqual({ [NAME]: "1.1.0" });
    expect(JSON.parse(readFileSync(join(base, "package.json"), "utf8"))).toEqual(PROJECT);
    expect(readFileSync(join(base, ".reef-update/kept/package.json"), "utf8")).toBe(JSON.stringify(PROJECT));
  });

  test.skipIf(Bun.which("npm") === null)("uses npm where npm made the lockfile", async () => {
    const { ask, restarts } = await start({ lockfile: "package-lock.json" });
    await newer();
    expect(await ask("POST", "/apply")).toMatchObject({ status: 200 });
    const { files, staged } = await restart(restarts);
    const lock = files.find(({ path }) => path.endsWith("package-lock.json"));
    expect(readFileSync(lock?.next ?? "", "utf8")).toContain('"1.1.0"');
    expect(existsSync(join(staged, NAME, "new.txt"))).toBe(true);
  });

  test("gives a package that is installed globally everything that it needs within itself", async () => {
    const { ask, restarts, base } = await start({ project: null });
    await registry.publish({ name: "inner", version: "2.0.0" }, { "inner.txt": "inner" });
    await registry.publish({ name: "@deep/er", version: "3.0.0" }, { "er.txt": "er" });
    const dependencies = { inner: "2.0.0", "@deep/er": "3.0.0" };
    await registry.publish({ name: NAME, version: "1.1.0", dependencies });
    expect(await ask("POST", "/apply")).toMatchObject({ status: 200 });
    const { installed, staged, files } = await restart(restarts);
    expect([installed, files]).toEqual([join(base, "node_modules", NAME), []]);
    expect(readFileSync(join(staged, "node_modules/inner/inner.txt"), "utf8")).toBe("inner");
    expect(readFileSync(join(staged, "node_modules/@deep/er/er.txt"), "utf8")).toBe("er");
  });

  test("changes nothing when the installation fails, and says why", async () => {
    const { ask, restarts, base, told, updater, version } = await start();
    await registry.publish({ name: NAME, version: "1.1.0", dependencies: { "@test/missing": "1.0.0" } });
    const { status, data } = await ask("POST", "/apply");
    expect([status, data]).toMatchObject([
      502,
      { code: "upstream_failed", error: expect.stringContaining("missing") },
    ]);
    expect(restarts).toEqual([]);
    expect([version(), readdirSync(join(base, ".reef-update"))]).toEqual(["1.0.0", []]);
    const [entry] = updater.status().history;
    expect(entry).toMatchObject({ from: "1.0.0", to: "1.1.0", status: "failed" });
    expect(told.at(-2)).toEqual(["updater:failed", entry]);
    expect(told.at(-1)).toMatchObject(["reef:event", { type: "updater_failed", source: "updater" }]);
    await registry.publish({ name: NAME, version: "1.2.0" });
    expect(await ask("POST", "/apply")).toMatchObject({ status: 200, data: { to: "1.2.0" } });
  });

  test("waits for nobody while another process updates the same installation", async () => {
    const { ask, base } = await start();
    await newer();
    const holder = Bun.spawn(["sleep", "60"]);
    const stat = readFileSync(`/proc/${holder.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];
    await write(base, { ".reef-update/lock.pid": `${holder.pid} ${stat}\n` });
    expect(await ask("POST", "/apply")).toMatchObject({ status: 409, data: { error: "Already applying" } });
    holder.kill();
    await holder.exited;
    expect(await ask("POST", "/apply")).toMatchObject({ status: 200 });
  });
});

async function restart(restarts: Rig["restarts"]): Promise<Update> {
  for (;;) {
    const [asked] = restarts;
    if (asked?.into) return asked.into;
    await Bun.sleep(10);
  }
}
