// What the tests of the updater share: a registry of packages on loopback, folders in which packages are installed, and
// an updater that says which restarts it would make.
import { mkdtempSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import type { Caller, Config, ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import type { Limits, Restarts } from "./parts.js";
import { createRoutes } from "./routes.js";
import type { Update } from "./update.js";
import { openUpdater, type Updater } from "./updater.js";

export type Files = Record<string, string>;

export interface TestRegistry {
  url: string;
  /** Method and path of what was asked, oldest first. */
  requests: string[];
  /** Makes it the newest version of its package. The package.json is added. */
  publish(
    manifest: { name: string; version: string } & Record<string, unknown>,
    files?: Files,
  ): Promise<void>;
  /** What every request is answered with from now on, in place of packages. */
  answerWith(answer: (() => Response | Promise<Response>) | undefined): void;
  stop(): Promise<void>;
}

interface Published {
  manifest: object;
  tarball: Uint8Array<ArrayBuffer>;
}

export function startRegistry(): TestRegistry {
  const packages = new Map<string, Map<string, Published>>();
  const requests: string[] = [];
  let override: (() => Response | Promise<Response>) | undefined;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      requests.push(`${request.method} ${path}`);
      if (override) return override();
      const [, name = "", rest = ""] = /^\/((?:@[^/]+\/)?[^/]+)(?:\/(.*))?$/.exec(path) ?? [];
      const versions = packages.get(name);
      const newest = [...(versions?.keys() ?? [])].at(-1) ?? "";
      if (!versions) return Response.json({ error: "Not found" }, { status: 404 });
      if (rest === "latest") return Response.json(versions.get(newest)?.manifest);
      if (rest.startsWith("-/")) return new Response(versions.get(rest.slice(2, -".tgz".length))?.tarball);
      const manifests = Array.from(versions, ([version, { manifest }]) => [version, manifest]);
      return Response.json({
        name,
        "dist-tags": { latest: newest },
        versions: Object.fromEntries(manifests),
      });
    },
  });
  const url = server.url.href.replace(/\/$/, "");

  return {
    url,
    requests,
    async publish(manifest, files = {}) {
      const { name, version } = manifest;
      const texts = { ...files, "package.json": JSON.stringify(manifest) };
      const entries = Object.entries(texts).map(([path, text]) => [`package/${path}`, text]);
      const tarball = await new Bun.Archive(Object.fromEntries(entries), { compress: "gzip" }).bytes();
      const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(tarball).digest("base64")}`;
      const dist = { tarball: `${url}/${name}/-/${version}.tgz`, integrity };
      const versions = packages.get(name) ?? new Map<string, Published>();
      packages.set(name, versions.set(version, { manifest: { ...manifest, dist }, tarball }));
    },
    answerWith(answer) {
      override = answer;
    },
    stop: () => server.stop(true),
  };
}

const folders = new Set<string>();

/** For `afterAll`. */
export async function removeFolders(): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reef-updater-"));
  folders.add(folder);
  return folder;
}

/** Writes files below a folder; parents are made. */
export async function write(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** What programs get: of this machine where they are, and a home without anybody's settings. */
export function programEnv(home = temporaryFolder()): Record<string, string> {
  return { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: home };
}

export const NAME = "@test/reef";
export const PROJECT = { private: true, dependencies: { [NAME]: "1.0.0" } };
export const TASK_TOKEN = "rt_task";
const TOKEN = "updater-test-token";

/** `createServer` of the kernel, which only tests may import. */
type CreateServer = (options: {
  modules: ServiceModule[];
  config: Partial<Config>;
  resolveToken(token: string): Caller | undefined;
}) => Promise<Server>;

interface Server {
  app: Hono;
  failures: { error: unknown }[];
  listening(url: string): void;
  close(): Promise<void>;
}

export interface Rig {
  updater: Updater;
  server: Server;
  /** The folder above `node_modules`. */
  base: string;
  dataDir: string;
  /** Restarts that were asked for. */
  restarts: { into?: Update; back?: Update; error?: string }[];
  told: [event: string, data: unknown][];
  ask(method: string, path: string, token?: string): Promise<{ status: number; data: unknown }>;
  /** What is installed. */
  version(): string;
}

export interface RigOptions {
  createServer: CreateServer;
  registry: string;
  config?: Partial<Config>;
  limits?: Partial<Limits>;
  current?: string;
  /** Of the project; null: installed globally. */
  project?: object | null;
  lockfile?: string;
  isClone?: boolean;
  isGuarded?: boolean;
  /** Further modules. */
  modules?: ServiceModule[];
  /** Of a rig before, which is gone on from. */
  base?: string;
  dataDir?: string;
}

const servers = new Set<Server>();

/** For `afterEach`. */
export async function closeRigs(): Promise<void> {
  for (const server of servers) await server.close();
  servers.clear();
}

export async function startUpdater(options: RigOptions): Promise<Rig> {
  const { isClone = false, dataDir = temporaryFolder() } = options;
  const base = options.base ?? temporaryFolder();
  const root = isClone ? base : join(base, "node_modules", NAME);
  if (options.base === undefined) await install(root, base, options);
  const restarts: Rig["restarts"] = [];
  const told: Rig["told"] = [];
  let updater: Updater | undefined;
  const module: ServiceModule = {
    name: "updater",
    routeDocs,
    init(ctx) {
      for (const event of ["updater:available", "updater:applied", "updater:failed", "reef:event"])
        ctx.events.on(event, (data) => told.push([event, data]));
      const limits = { pollMs: 0, ...options.limits };
      updater = openUpdater(ctx, { root, restarts: recorded(restarts, options), limits });
      this.routes = createRoutes(updater, ctx);
    },
  };
  const config = {
    token: TOKEN,
    dataDir,
    npmRegistry: options.registry,
    baseEnv: programEnv(),
    ...options.config,
  };
  const modules = [...(options.modules ?? []), module];
  const server = await options.createServer({ modules, config, resolveToken: taskOf });
  servers.add(server);
  if (!updater) throw new Error("The updater did not start.", { cause: server.failures[0]?.error });
  return {
    ...{ updater, server, base, dataDir, restarts, told },
    async ask(method, path, token = TOKEN) {
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await server.app.request(`/updater${path}`, { method, headers });
      return { status: answer.status, data: await answer.json() };
    },
    version: () => JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
  };
}

async function install(root: string, base: string, options: RigOptions): Promise<void> {
  const { current = "1.0.0", project = PROJECT, lockfile, isClone = false } = options;
  await write(root, { "package.json": JSON.stringify({ name: NAME, version: current }), "old.txt": "old" });
  if (project && !isClone) await write(base, { "package.json": JSON.stringify(project) });
  if (lockfile) await write(base, { [lockfile]: "" });
}

function recorded(restarts: Rig["restarts"], { isGuarded = false }: RigOptions): Restarts {
  return {
    check: () => undefined,
    start: (link) => ["bun", join(link, "src/main.ts")],
    into: (update) => void restarts.push({ into: update }),
    back: (update, error) => void restarts.push({ back: update, error }),
    isGuarded: () => isGuarded,
  };
}

/** A task with no scope beyond the modules. */
function taskOf(token: string): Caller | undefined {
  return token === TASK_TOKEN ? { kind: "task", taskId: "t", scopes: ["modules"] } : undefined;
}
