// What the tests of the kernel's module side share: service folders on disk, a registry around them, and what was heard.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createBehaviorBox } from "../../src/core/behaviors.js";
import type { Config } from "../../src/core/config.js";
import { ServiceEventBus } from "../../src/core/events.js";
import { createRegistry, type Registry, type RegistryDeps } from "../../src/core/registry.js";
import type { Scope } from "../../src/core/scope.js";
import { createToolBox, type ToolBox } from "../../src/core/tools.js";
import type { ServiceEventBus as Bus, FleetClient, Log, ServiceContext } from "../../src/core/types.js";

export type Files = Record<string, string>;

export async function temporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), "reef-test-"));
}

/** Writes files below a folder; parents are made. */
export async function write(dir: string, files: Files): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

/** `index.ts` of a module with the given fields, written as source. */
export function moduleSource(fields: Record<string, string>, before = ""): string {
  const body = Object.entries(fields).map(([name, source]) => `  ${name}: ${source},`);
  return `${before}\nexport default {\n${body.join("\n")}\n};\n`;
}

export interface Heard {
  log: Log;
  lines: string[];
}

export function listener(): Heard {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (...args: unknown[]) =>
      void lines.push(
        [level, ...args].map((arg) => (arg instanceof Error ? arg.message : String(arg))).join(" "),
      );
  return {
    lines,
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
  };
}

export const noClient = {} as FleetClient;

/** Lets services in test folders talk to the test: `globalThis.reefTest` is the same object in both. */
export function shared<T extends object>(value: T): T {
  (globalThis as { reefTest?: object }).reefTest = value;
  return value;
}

const elsewhere = () => Promise.reject(new Error("no other process in this test"));
const noIsolation = { importModule: elsewhere, end: async () => {}, close: async () => {} };
const noTrial = { import: elsewhere, test: elsewhere };

export interface World {
  registry: Registry;
  servicesDir: string;
  dataDir: string;
  events: ServiceEventBus;
  tools: ToolBox;
  heard: Heard;
  /** Writes a service folder and returns its path. */
  service(folder: string, files: Files): Promise<string>;
  close(): Promise<void>;
}

export async function openWorld(changes: Partial<RegistryDeps> = {}): Promise<World> {
  const root = await temporaryDir();
  const servicesDir = changes.servicesDir ?? join(root, "services");
  const dataDir = changes.dataDir ?? join(root, "data");
  await mkdir(servicesDir, { recursive: true });
  await mkdir(dataDir, { recursive: true });
  const heard = listener();
  const events = new ServiceEventBus(heard.log);
  const log = () => heard.log;
  const tools = createToolBox({ log });
  const registry = createRegistry({
    servicesDir,
    dataDir,
    config: { isolate: "agent" } as Config,
    log,
    events,
    mount: ({ routes }) => (routes ? (request) => routes.fetch(request) : null),
    context: (parts) => contextOf({ ...parts, servicesDir, dataDir, events, log: heard.log }),
    client: noClient,
    tools,
    behaviors: createBehaviorBox({ log }),
    isolation: noIsolation,
    trial: noTrial,
    ...changes,
  });
  return {
    registry,
    servicesDir,
    dataDir,
    events,
    tools,
    heard,
    service: (folder, files) => write(join(servicesDir, folder), files),
    async close() {
      await registry.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

interface ContextParts {
  name: string;
  dir: string;
  scope: Scope;
  servicesDir: string;
  dataDir: string;
  events: Bus;
  log: Log;
}

/** As much of a ServiceContext as modules of these tests use. */
export function contextOf({ scope, events, ...parts }: ContextParts): ServiceContext {
  const context = {
    ...parts,
    signal: scope.signal,
    onDispose: (label: string, undo: () => void | Promise<void>) => void scope.add("dispose", label, undo),
    setInterval(fn: () => unknown, ms: number) {
      const timer = setInterval(fn, ms);
      return scope.add("timer", "interval", () => clearInterval(timer));
    },
    events: {
      on: (event: string, handler: (data: unknown) => unknown) =>
        scope.add("subscription", event, events.on(event, handler)),
      emit: (event: string, data?: unknown) => events.emit(event, data),
      fire: (event: string, data?: unknown) => events.fire(event, data),
    },
  };
  return context as unknown as ServiceContext;
}
