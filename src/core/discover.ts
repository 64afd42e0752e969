// Folders to modules: what counts as a service folder, its import from a fresh copy, and the order of what was found.
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { messageOf, ReefError } from "./errors.js";
import { failureText, scanImports } from "./imports.js";
import { moduleNameProblem } from "./names.js";
import { orderByDependencies } from "./order.js";
import { checkShape } from "./shape.js";
import { openStage, type Stage, type StagedCopy } from "./stage.js";
import type { Log, ServiceModule } from "./types.js";
import { within } from "./within.js";

/** An import that has not come back by then is a problem. A shorter limit holds while requests wait for a replace. */
export const IMPORT_MS = 30_000;
/** One that is slow, waiting at its top level, keeps the next import back no longer than this. */
const IMPORT_TURN_MS = 1_000;
const TEMPORARY = "reef-live-";

/** The modules of a services folder in dependency order. Problems are logged; rejects if the folder does not exist. */
export async function discoverServiceModules(
  servicesDir: string,
  log: Log = console,
): Promise<ServiceModule[]> {
  const { candidates, broken } = await scanServices(servicesDir);
  for (const folder of broken) log.warn(`${folder}: ${BROKEN_LINK}`);
  const found = new Map<string, ServiceModule>();
  for (const { folder, path } of candidates) {
    try {
      const module = await loadServiceModule(path);
      const problem = found.has(module.name)
        ? `duplicate name "${module.name}"`
        : moduleNameProblem(module.name);
      if (problem) throw new ReefError("bad_request", problem);
      found.set(module.name, module);
    } catch (error) {
      log.warn(`${folder}: ${messageOf(error)}`);
    }
  }
  const { order, cycles } = orderByDependencies([...found.values()]);
  for (const { member, path } of cycles) log.warn(`${member.name}: Dependency cycle: ${path}`);
  return withDependencies(order, log);
}

/** A fresh import of a service folder, whatever was imported from it before. Rejects with the problem's text. */
export async function loadServiceModule(dir: string): Promise<ServiceModule> {
  const { stage, importModule } = await temporary();
  const copy = await stage.copy(resolve(dir));
  await scanImports(copy);
  return importModule(copy, IMPORT_MS);
}

interface Temporary {
  stage: Stage;
  importModule: Importer;
}
let opened: Promise<Temporary> | undefined;

/** One for the process, for there is no DATA_DIR here; its copies stay as long as the modules may read them. */
function temporary(): Promise<Temporary> {
  opened ??= openTemporary();
  return opened;
}

async function openTemporary(): Promise<Temporary> {
  await sweepTemporary();
  const dir = await mkdtemp(join(tmpdir(), `${TEMPORARY}${process.pid}-`));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  return { stage: await openStage(join(dir, "live")), importModule: createImporter() };
}

/** A process that was killed, and `bun test` at its end, run no exit listener. */
async function sweepTemporary(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(TEMPORARY) ? Number.parseInt(name.slice(TEMPORARY.length), 10) : 0;
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Those with something for agents. */
export function filterClientModules(modules: ServiceModule[]): ServiceModule[] {
  return modules.filter((module) => module.registerTools || module.registerBehaviors || module.widget);
}

export const BROKEN_LINK = "broken link";

export interface Candidate {
  folder: string;
  path: string;
}

/** The folders, or links to one, that hold `index.ts`, in name order. Dot entries are skipped. */
export async function scanServices(dir: string): Promise<{ candidates: Candidate[]; broken: string[] }> {
  const candidates: Candidate[] = [];
  const broken: string[] = [];
  for (const folder of (await readdir(dir)).sort()) {
    if (folder.startsWith(".")) continue;
    const path = join(dir, folder);
    const kind = await stat(path).catch(() => undefined);
    if (!kind) broken.push(folder);
    else if (kind.isDirectory() && existsSync(join(path, "index.ts"))) candidates.push({ folder, path });
  }
  return { candidates, broken };
}

/** Imports a staged copy and checks its shape. Rejects `bad_request` with the problem's text. */
export type Importer = (copy: Pick<StagedCopy, "dir">, limitMs: number) => Promise<ServiceModule>;

/** Imports one after another, so that no module is met half imported by the next. */
export function createImporter(): Importer {
  let turn: Promise<unknown> = Promise.resolve();
  return async (copy, limitMs) => {
    const previous = turn;
    const { promise: mine, resolve: done } = Promise.withResolvers<void>();
    turn = mine;
    await previous;
    const imported = importCopy(copy, limitMs);
    void within(IMPORT_TURN_MS, () => imported).then(
      () => done(),
      () => done(),
    );
    return checkShape((await imported).default);
  };
}

async function importCopy(copy: Pick<StagedCopy, "dir">, limitMs: number): Promise<{ default?: unknown }> {
  try {
    return await within(limitMs, () => import(join(copy.dir, "index.ts")));
  } catch (error) {
    throw new ReefError("bad_request", `import error: ${importFailure(copy, error)}`, {}, { cause: error });
  }
}

/** Paths are shown relative to the service folder: where the copy lies means nothing to who reads the message. */
function importFailure(copy: Pick<StagedCopy, "dir">, error: unknown): string {
  return failureText(error).replaceAll(copy.dir + sep, "");
}

/** Modules that miss a dependency, or one whose dependency does, are logged and left out. */
function withDependencies(order: ServiceModule[], log: Log): ServiceModule[] {
  const ready = new Map<string, ServiceModule>();
  for (const module of order) {
    const missing = (module.dependencies ?? []).filter((name) => !ready.has(name));
    if (missing.length === 0) ready.set(module.name, module);
    else log.warn(`${module.name}: ${missingText(missing)}`);
  }
  return [...ready.values()];
}

export function missingText(missing: readonly string[]): string {
  return missing.map((name) => `Missing dependency "${name}"`).join(", ");
}
