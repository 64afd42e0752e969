// What the tests of isolation share: a server, services written as source, and each of them in a process or in the server.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../../src/core/config.js";
import { createIsolation, type Isolation } from "../../../src/core/isolation/isolate.js";
import type { ServerOptions } from "../../../src/core/server.js";
import { openStage, type Stage, type StagedCopy } from "../../../src/core/stage.js";
import type { ServiceModule } from "../../../src/core/types.js";
import { type Files, write } from "../modules.js";
import { startServer, type TestServer } from "../servers.js";

export interface Recorded {
  type: string;
  source?: string;
  content?: string;
  [field: string]: unknown;
}

export interface IsolatedWorld {
  server: TestServer;
  isolation: Isolation;
  stage: Stage;
  /** What became nodes. */
  recorded: Recorded[];
  /** What counts as a fault of a module. */
  faults: { module: string; message: string }[];
  dataDir: string;
  /** Writes a service folder and stages a copy of it. */
  copy(name: string, files: Files | string): Promise<StagedCopy>;
  /** Live at `/<name>`, in a process of its own. */
  isolated(name: string, files: Files | string): Promise<ServiceModule>;
  /** The same in the server. */
  inServer(name: string, files: Files | string): Promise<ServiceModule>;
  /** Resolves when a node of this type is recorded that was not given out before. */
  node(type: string): Promise<Recorded>;
  close(): Promise<void>;
}

type Limits = Parameters<typeof createIsolation>[1];

export async function openIsolatedWorld(
  options: Omit<ServerOptions, "config"> & { config?: Partial<Config>; limits?: Limits } = {},
): Promise<IsolatedWorld> {
  const { limits, ...rest } = options;
  const dataDir = await mkdtemp(join(tmpdir(), "reef-isolated-"));
  const recorded: Recorded[] = [];
  const hearing = new Set<() => void>();
  const server = await startServer({
    record: async (event) => {
      recorded.push(asRecorded(event));
      for (const hear of hearing) hear();
      return { nodeId: `n${recorded.length}`, parentId: "root", seq: recorded.length };
    },
    ...rest,
    config: { dataDir, servicesDir: join(dataDir, "services"), ...rest.config },
  });
  const faults: IsolatedWorld["faults"] = [];
  const isolation = createIsolation(
    {
      config: server.config,
      log: server.log,
      events: server.events,
      fetch: server.fetch,
      failed: (error, module) => void faults.push({ module, message: String(error) }),
    },
    limits,
  );
  const stage = await openStage(join(dataDir, "live"));
  const given = new Set<Recorded>();

  const world: IsolatedWorld = {
    server,
    isolation,
    stage,
    recorded,
    faults,
    dataDir,
    async copy(name, files) {
      const folder = join(server.config.servicesDir, name);
      await write(folder, typeof files === "string" ? { "index.ts": files } : files);
      return stage.copy(folder);
    },
    async isolated(name, files) {
      const module = await isolation.importModule(await world.copy(name, files), 30_000);
      await server.registry.addObject(module);
      return module;
    },
    async inServer(name, files) {
      const copy = await world.copy(name, files);
      const { default: module } = await import(join(copy.dir, "index.ts"));
      await server.registry.addObject(module);
      return module;
    },
    async node(type) {
      for (;;) {
        const found = recorded.find((event) => event.type === type && !given.has(event));
        if (found) {
          given.add(found);
          return found;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        hearing.add(resolve);
        await promise;
        hearing.delete(resolve);
      }
    },
    async close() {
      await server.end();
      await isolation.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return world;
}

function asRecorded(event: Record<string, unknown>): Recorded {
  return { ...event, type: String(event.type) };
}

/** Processes that belong to this folder of data, and sockets in it. */
export async function leftOf(dataDir: string): Promise<{ processes: number[]; sockets: string[] }> {
  const processes: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await Bun.file(`/proc/${name}/environ`)
      .text()
      .catch(() => "");
    if (environment.includes(`DATA_DIR=${dataDir}`)) processes.push(Number(name));
  }
  const sockets = new Bun.Glob("**/socket").scan({ cwd: dataDir, dot: true, onlyFiles: false });
  return { processes, sockets: await Array.fromAsync(sockets) };
}

/** Looks again and again, for what nobody tells. Fails after a generous while. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${holds}`);
    await Bun.sleep(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
