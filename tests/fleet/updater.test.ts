// A real reef that is installed as a package and updates itself: from a registry on loopback, in the same process, and
// back to the old version when the new one does not answer (fleet spec §12).
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Files, startRegistry, type TestRegistry } from "../../examples/services/updater/rig.js";
import packageJson from "../../package.json" with { type: "json" };
import { cleanUp, ROOT, temporaryFolder } from "../flow/reef.js";
import { copyService } from "./reef-with.js";

const NAME = packageJson.name;
const OLD = "0.0.1";
const NEW = "0.0.2";
const WAIT_MS = 50_000;
/** What a package of reef holds, as far as these tests need it. */
const CONTENT = ["bin", "src", "services/store", "package.json", "tsconfig.json"];

let registry: TestRegistry;
const running = new Set<Bun.Subprocess>();
beforeEach(() => {
  registry = startRegistry();
});
afterEach(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
    await child.exited;
  }
  running.clear();
  await registry.stop();
});
afterAll(cleanUp);

interface Installed {
  /** The project that reef is a dependency of. */
  project: string;
  servicesDir: string;
  dataDir: string;
}

/**
 * reef's packages are found further up, so that the registry needs to have nothing but reef. In the copies the version and
 * the dependencies differ from what they are here, and nothing else.
 */
function install(): Installed {
  const folder = temporaryFolder("reef-updated-");
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const project = join(folder, "project");
  const root = join(project, "node_modules", NAME);
  for (const path of CONTENT) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  writeFileSync(join(root, "package.json"), JSON.stringify(manifestOf(OLD)));
  writeFileSync(join(project, "package.json"), JSON.stringify(projectWith(OLD)));
  const servicesDir = join(folder, "services");
  mkdirSync(servicesDir);
  copyService("updater", servicesDir);
  return { project, servicesDir, dataDir: join(folder, "data") };
}

const manifestOf = (version: string) => ({
  ...packageJson,
  version,
  dependencies: {},
  devDependencies: {},
  scripts: {},
});
const projectWith = (version: string) => ({ private: true, dependencies: { [NAME]: version } });

/** The same reef as another version; `changes` replace files of it. */
async function publish(changes: Files = {}): Promise<void> {
  const files: Files = {};
  for (const path of CONTENT.flatMap((one) => filesIn(one)))
    files[path] = readFileSync(join(ROOT, path), "utf8");
  await registry.publish(manifestOf(NEW), { ...files, ...changes });
}

function filesIn(path: string): string[] {
  if (statSync(join(ROOT, path)).isFile()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

interface Server {
  child: Bun.Subprocess;
  output(): string;
  /** Resolves to the port of the `n`th start that was announced. */
  started(n: number): Promise<number>;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  api(method: string, path: string): Promise<{ status: number; data: any }>;
}

function start({ project, servicesDir, dataDir }: Installed, more: Record<string, string> = {}): Server {
  const { PATH = "" } = process.env;
  const env = {
    ...{ PATH, HOME: project, PORT: "0", DATA_DIR: dataDir, SERVICES_DIR: servicesDir, REEF_WARM: "0" },
    ...{ REEF_NPM_REGISTRY: registry.url, PI_PATH: "/bin/true", UPDATE_POLL_INTERVAL: "0" },
    ...more,
  };
  const script = join(project, "node_modules", NAME, "src/main.ts");
  const child = Bun.spawn([process.execPath, "--no-install", script], {
    ...{ cwd: project, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) void collect(stream, (text) => (output += text));
  const ports = () => Array.from(output.matchAll(/reef running on :(\d+)/g), ([, port]) => Number(port));
  return {
    child,
    output: () => output,
    started: (n) =>
      until(
        () => ports()[n - 1],
        () => output,
      ),
    async api(method, path) {
      const answer = await fetch(`http://127.0.0.1:${ports().at(-1)}${path}`, { method });
      return { status: answer.status, data: await answer.json() };
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>, told: () => string): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`It did not come to that:\n${told()}`);
    await Bun.sleep(50);
  }
}

/** The newest outcome, once there is one. */
function outcome(server: Server) {
  return until(async () => {
    const { data } = await server.api("GET", "/updater/status").catch(() => ({ data: { history: [] } }));
    return data.history[0];
  }, server.output);
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));

describe("an installed reef", () => {
  test("updates itself in its own process and on its own port, and names the version in the project", async () => {
    const installed = install();
    const server = start(installed);
    const port = await server.started(1);
    await publish();
    expect(await server.api("POST", "/updater/apply")).toEqual({
      status: 200,
      data: { message: `Updating to ${NEW}: reef restarts`, from: OLD, to: NEW },
    });
    expect(await server.started(2)).toBe(port);
    expect(await outcome(server)).toMatchObject({ from: OLD, to: NEW, status: "applied" });
    expect((await server.api("GET", "/version")).data.version).toBe(NEW);
    expect(server.child.exitCode).toBeNull();
    const { project } = installed;
    expect(read(join(project, "package.json"))).toEqual(projectWith(NEW));
    expect(readFileSync(join(project, "bun.lock"), "utf8")).toContain(`${NAME}@${NEW}`);
    const { nodes } = (await server.api("GET", "/reef/tree")).data;
    const told = Object.values<{ eventType?: string; content: string }>(nodes).filter(({ eventType }) =>
      eventType?.startsWith("updater_"),
    );
    expect(told.map(({ content }) => content)).toEqual([
      `${NAME} ${NEW} is available, ${OLD} runs`,
      `Updated from ${OLD} to ${NEW}`,
    ]);
    await until(
      () => (readdirSync(join(project, ".reef-update")).length === 0 ? true : undefined),
      server.output,
    );
    expect((await server.api("POST", "/updater/apply")).data).toEqual({ message: "Already up to date" });
    server.child.kill("SIGTERM");
    expect(await server.child.exited).toBe(0);
  }, 120_000);

  test.each([
    ["ends at its start", 'throw new Error("broken");', "it ended with 1 before it answered"],
    ["lacks a file", 'import "./missing.js";', "it ended with 1 before it answered"],
    ["ends with a code of its own", "process.exit(7);", "it ended with 7 before it answered"],
  ])(
    "is put back when the new version %s",
    async (_what, main, error) => {
      const installed = install();
      const server = start(installed);
      const port = await server.started(1);
      await publish({ "src/main.ts": main });
      expect((await server.api("POST", "/updater/apply")).status).toBe(200);
      expect(await server.started(2)).toBe(port);
      expect(await outcome(server)).toMatchObject({ from: OLD, to: NEW, status: "rolled_back", error });
      expect((await server.api("GET", "/version")).data.version).toBe(OLD);
      expect(read(join(installed.project, "package.json"))).toEqual(projectWith(OLD));
      expect(existsSync(join(installed.project, "bun.lock"))).toBe(false);
      expect(server.child.exitCode).toBeNull();
    },
    120_000,
  );

  test("is put back when the new version does not answer in 30 s", async () => {
    const installed = install();
    const server = start(installed);
    await server.started(1);
    await publish({ "src/main.ts": "setInterval(() => {}, 1000);" });
    await server.api("POST", "/updater/apply");
    await server.started(2);
    const error = "/health did not answer in 30 s";
    expect(await outcome(server)).toMatchObject({ status: "rolled_back", error });
    expect((await server.api("GET", "/version")).data.version).toBe(OLD);
  }, 120_000);

  test("leaves the start to a supervisor where there is one", async () => {
    const installed = install();
    const supervised = { INVOCATION_ID: "of-a-test", HOST: "127.0.0.1" };
    const server = start(installed, supervised);
    await server.started(1);
    await publish();
    await server.api("POST", "/updater/apply");
    expect(await server.child.exited).toBe(75);
    const next = start(installed, supervised);
    await next.started(1);
    expect(await outcome(next)).toMatchObject({ status: "applied" });
    expect((await next.api("GET", "/version")).data.version).toBe(NEW);
  }, 120_000);

  test("tries the new version first where a supervisor is to start it, and stays when that does not begin", async () => {
    const installed = install();
    const server = start(installed, { INVOCATION_ID: "of-a-test" });
    await server.started(1);
    await publish({ "src/main.ts": 'throw new Error("broken from the start");' });
    const { status, data } = await server.api("POST", "/updater/apply");
    expect([status, data.error]).toMatchObject([502, expect.stringContaining("broken from the start")]);
    expect((await outcome(server)).status).toBe("failed");
    expect((await server.api("GET", "/version")).data.version).toBe(OLD);
    expect(readdirSync(join(installed.project, ".reef-update"))).toEqual([]);
  }, 120_000);

  test("is whole at the next start, whenever it is killed while it updates", async () => {
    const installed = install();
    await publish();
    // So many starts that end early would else be taken for those of a broken service.
    const more = { REEF_SAFE: "0" };
    for (const ms of [0, 100, 300, 600, 1_000, 1_500]) {
      const server = start(installed, more);
      await server.started(1);
      void server.api("POST", "/updater/apply").catch(() => undefined);
      await Bun.sleep(ms);
      server.child.kill("SIGKILL");
      await server.child.exited;
    }
    const last = start(installed, more);
    await last.started(1);
    const { version } = (await last.api("GET", "/version")).data;
    expect([OLD, NEW]).toContain(version);
    await until(async () => {
      const { status, data } = await last.api("POST", "/updater/apply");
      return status === 200 ? data : undefined;
    }, last.output);
    expect(
      await until(async () => {
        const current = await last.api("GET", "/updater/status").catch(() => undefined);
        return current?.data.current === NEW && !existsSync(join(installed.dataDir, "updater/update.json"))
          ? current.data.history[0].status
          : undefined;
      }, last.output),
    ).toBe("applied");
    expect(read(join(installed.project, "package.json"))).toEqual(projectWith(NEW));
  }, 180_000);
});
