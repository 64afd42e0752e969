// From folders to live modules and back: load one, load all at start, take up what changed, unload. Each folder's own
// problem is written down and keeps no other folder back.
import { BROKEN_LINK } from "./discover.js";
import type { Doors } from "./doors.js";
import { messageOf, ReefError } from "./errors.js";
import { readFolder } from "./folder.js";
import type { Live, Verify } from "./live.js";
import { moduleNameProblem } from "./names.js";
import { orderByDependencies } from "./order.js";
import { type Folder, type Problems, UnmetDependencies } from "./problems.js";
import { createSerially } from "./serial.js";
import type { StagedCopy } from "./stage.js";
import type { Log, RegistryFace, ReloadAction, ServiceModule } from "./types.js";
import type { Incoming, Version } from "./version.js";
import type { StageOptions, Workshop } from "./workshop.js";

export interface LoadOptions {
  /** Loads this copy instead of a fresh one. The registry owns it from then on, whether or not it loads. */
  copy?: StagedCopy;
  /** Called with the version when it is up and no request has been let in. A rejection puts the old one back. */
  verify?: Verify;
}

export interface LoaderDeps {
  versions: ReadonlyMap<string, Version>;
  live: Live;
  doors: Doors;
  problems: Problems;
  workshop(): Promise<Workshop>;
  log(module?: string): Log;
  importMs: number;
  replaceImportMs: number;
}

interface Arrival {
  folder: Folder;
  incoming: Incoming & { copy: StagedCopy };
  name: string;
  dependencies: readonly string[];
}

type Change = Awaited<ReturnType<RegistryFace["load"]>>;

export class Loader {
  /** Module names by service folder, as last imported. */
  readonly names = new Map<string, string>();
  readonly #deps: LoaderDeps;
  readonly #serially = createSerially();
  /** Names that are taken by modules about to start. */
  readonly #starting = new Map<string, Folder>();

  constructor(deps: LoaderDeps) {
    this.#deps = deps;
  }

  async load(dirName: string, options: LoadOptions = {}): Promise<Change> {
    const folder = await this.#find(dirName);
    return this.#deps.doors.asking(async () => {
      const change = await this.#change(folder, options).catch((error) => {
        this.#note(folder, error);
        throw error;
      });
      await this.startWaiting();
      return change;
    });
  }

  async stageCopy(dirName: string, options?: StageOptions): Promise<StagedCopy> {
    const folder = await this.#find(dirName);
    return (await this.#deps.workshop()).stage(folder, options);
  }

  /** `hold`: why only stock services are started now. */
  async loadAll({ hold }: { hold?: string } = {}): Promise<void> {
    const workshop = await this.#deps.workshop();
    const starting: Folder[] = [];
    for (const folder of await this.#present(workshop)) {
      if (workshop.disabled.entries.has(folder.folder)) continue;
      if (hold && !workshop.isStock(folder)) this.#deps.problems.hold(folder, hold);
      else starting.push(folder);
    }
    const arrivals = await Promise.all(
      starting.map((folder) => this.#tried(folder, () => this.#arrive(folder, {}))),
    );
    const claimed: Arrival[] = [];
    for (const arrival of arrivals) {
      const claim = arrival && (await this.#tried(arrival.folder, () => this.#claim(arrival)));
      if (claim) claimed.push(claim);
    }
    const { order, cycles } = orderByDependencies(claimed);
    for (const { member } of cycles) await this.#tried(member.folder, () => this.#startArrived(member));
    for (const arrival of order) await this.#tried(arrival.folder, () => this.#startArrived(arrival));
    await this.startWaiting();
  }

  async reloadAll({ force = false } = {}): ReturnType<RegistryFace["reloadAll"]> {
    const workshop = await this.#deps.workshop();
    return this.#deps.doors.asking(async () => {
      const before = new Set(this.#deps.versions.values());
      const folders = await this.#present(workshop);
      const removed = await this.#removeGone(new Set(folders.map(({ path }) => path)));
      for (const folder of folders) {
        if (workshop.disabled.entries.has(folder.folder)) continue;
        if (!force && (await this.#isUnchanged(folder))) this.#deps.problems.clear(folder.path);
        else await this.#tried(folder, () => this.#change(folder, {}));
      }
      await this.startWaiting();
      return this.#outcome(folders, before, removed);
    });
  }

  async unload(name: string, { force = false } = {}): Promise<void> {
    const { doors, problems, workshop } = this.#deps;
    await doors.asking(() =>
      this.#serially(keyOf(this.#named(name)), async () => {
        const version = this.#named(name);
        this.#checkUnload(version, force);
        if (version.dir !== null) await (await workshop()).disabled.set(version.dir, version.name);
        if (version.copy) problems.clear(version.copy.source);
        await this.#remove(version);
      }),
    );
  }

  /** Loads what waited for a module that is live now. */
  async startWaiting(): Promise<void> {
    const isLive = (name: string) => this.#deps.versions.has(name);
    for (let folder = this.#deps.problems.ready(isLive); folder; folder = this.#deps.problems.ready(isLive)) {
      const ready = folder;
      this.#deps.problems.clear(ready.path);
      await this.#tried(ready, () => this.#change(ready, {}));
    }
  }

  async #find(dirName: string): Promise<Folder> {
    const folder = (await this.#deps.workshop()).find(dirName);
    if (folder) return folder;
    throw new ReefError("not_found", `No service directory "${dirName}" with index.ts found`);
  }

  #change(folder: Folder, options: LoadOptions): Promise<Change> {
    return this.#serially(folder.path, async () => {
      const old = this.#liveFrom(folder);
      const version = old ? await this.#replace(old, folder, options) : await this.#add(folder, options);
      this.#deps.problems.clear(folder.path);
      await (await this.#deps.workshop()).disabled.delete(folder.folder);
      return { name: version.name, action: old ? "updated" : "added" };
    });
  }

  async #add(folder: Folder, options: LoadOptions): Promise<Version> {
    const arrival = await this.#arrive(folder, options);
    return this.#start(await this.#claim(arrival), options.verify);
  }

  async #replace(old: Version, folder: Folder, options: LoadOptions): Promise<Version> {
    const startedAt = performance.now();
    const copy = await this.#copy(folder, options);
    const prepare = async (): Promise<Incoming> => {
      const module = await this.#import(folder, copy, this.#deps.replaceImportMs);
      this.#checkReplacement(old, folder, module);
      return { module, dir: folder.folder, copy, startedAt };
    };
    return this.#orRetire(copy, async () => {
      try {
        return await this.#deps.live.replace(old, prepare, options.verify);
      } finally {
        if (!this.#deps.versions.has(old.name)) await this.#suspendDependents(old.name);
      }
    });
  }

  async #arrive(folder: Folder, options: LoadOptions): Promise<Arrival> {
    const startedAt = performance.now();
    const copy = await this.#copy(folder, options);
    return this.#orRetire(copy, async () => {
      const module = await this.#import(folder, copy, this.#deps.importMs);
      const { name, dependencies = [] } = module;
      return { folder, name, dependencies, incoming: { module, dir: folder.folder, copy, startedAt } };
    });
  }

  /** Takes the module's name for it, until it has started or failed to. */
  #claim(arrival: Arrival): Promise<Arrival> {
    return this.#orRetire(arrival.incoming.copy, async () => {
      this.#checkDuplicate(arrival.folder, arrival.name);
      this.#starting.set(arrival.name, arrival.folder);
      return arrival;
    });
  }

  #startArrived(arrival: Arrival): Promise<Version> {
    return this.#serially(arrival.folder.path, () => this.#start(arrival));
  }

  #start({ incoming, name }: Arrival, verify?: Verify): Promise<Version> {
    return this.#orRetire(incoming.copy, async () => {
      try {
        this.checkDependencies(incoming.module);
        return await this.#deps.live.start(incoming, verify);
      } finally {
        this.#starting.delete(name);
      }
    });
  }

  async #copy(folder: Folder, { copy }: LoadOptions): Promise<StagedCopy> {
    const workshop = await this.#deps.workshop();
    if (!folder.stock && workshop.isStockName(folder.folder)) throw stockNameTaken(folder.folder);
    return copy ?? workshop.stage(folder);
  }

  async #import(folder: Folder, copy: StagedCopy, limitMs: number): Promise<ServiceModule> {
    const workshop = await this.#deps.workshop();
    const module = await workshop.importModule(copy, limitMs);
    const { name } = module;
    this.names.set(folder.path, name);
    if (!folder.stock && workshop.isStockName(name)) throw stockNameTaken(name);
    const problem = moduleNameProblem(name);
    if (problem) throw new ReefError("bad_request", problem);
    return module;
  }

  #checkDuplicate(folder: Folder, name: string): void {
    const live = this.#deps.versions.get(name);
    const starting = this.#starting.get(name);
    if (live && live.copy?.source !== folder.path) throw duplicateName(name, live.dir);
    if (starting && starting.path !== folder.path) throw duplicateName(name, starting.folder);
  }

  checkDependencies(module: ServiceModule): void {
    const missing = (module.dependencies ?? []).filter((name) => !this.#deps.versions.has(name));
    if (missing.length > 0) throw new UnmetDependencies(module, missing);
  }

  #checkReplacement(old: Version, folder: Folder, module: ServiceModule): void {
    this.#checkDuplicate(folder, module.name);
    this.checkDependencies(module);
    const others = [...this.#deps.versions.values()]
      .filter((version) => version !== old)
      .map((version) => version.module);
    const cycle = orderByDependencies([module, ...others]).cycles.find(({ member }) => member === module);
    if (cycle) throw new ReefError("bad_request", `Dependency cycle: ${cycle.path}`);
  }

  async #orRetire<T>(copy: StagedCopy, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await (await this.#deps.workshop()).retire(copy);
      throw error;
    }
  }

  /** Work on one folder among many: what fails is that folder's problem, and the next one's turn comes. */
  async #tried<T>(folder: Folder, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#note(folder, error);
      return undefined;
    }
  }

  #note(folder: Folder, error: unknown): void {
    const name = this.names.get(folder.path);
    const cause = error instanceof ReefError && error.cause instanceof Error ? [error.cause] : [];
    this.#deps.log(name ?? folder.folder).warn(messageOf(error), ...cause);
    if (error instanceof UnmetDependencies && !this.#liveFrom(folder))
      this.#deps.problems.wait(folder, error);
    else this.#deps.problems.fail(folder, error, name);
  }

  #liveFrom(folder: Folder): Version | undefined {
    return [...this.#deps.versions.values()].find(({ copy }) => copy?.source === folder.path);
  }

  #named(name: string): Version {
    const all = [...this.#deps.versions.values()];
    const version = this.#deps.versions.get(name) ?? all.find(({ dir }) => dir === name);
    if (version) return version;
    throw new ReefError("not_found", `Module "${name}" not found`);
  }

  /** What is there now; what is not is no problem any more, and not disabled either when it comes back. */
  async #present(workshop: Workshop): Promise<Folder[]> {
    const { folders, broken } = await workshop.scan();
    this.#deps.problems.keep(new Set(folders.map(({ path }) => path)));
    for (const folder of broken) this.#deps.problems.fail(folder, BROKEN_LINK);
    const present = new Set([...folders, ...broken].map(({ folder }) => folder));
    for (const folder of workshop.disabled.entries.keys()) {
      if (!present.has(folder)) await workshop.disabled.delete(folder);
    }
    return folders;
  }

  async #isUnchanged(folder: Folder): Promise<boolean> {
    const version = this.#liveFrom(folder);
    return version !== undefined && version.hash === (await readFolder(folder.path));
  }

  async #removeGone(present: ReadonlySet<string>): Promise<string[]> {
    const gone = [...this.#deps.versions.values()].filter(
      ({ name, copy }) => copy && !present.has(copy.source) && name !== "services",
    );
    for (const version of gone) await this.#serially(keyOf(version), () => this.#remove(version));
    return gone.map(({ name }) => name);
  }

  #checkUnload({ name }: Version, force: boolean): void {
    if (name === "services") throw new ReefError("bad_request", "Cannot unload the services manager");
    if (name === "reef" || name === "mcp")
      throw new ReefError("bad_request", "Cannot unload a built-in module");
    const dependents = this.#dependents(name).map((dependent) => dependent.name);
    if (force || dependents.length === 0) return;
    const text = `Cannot unload "${name}": required by ${dependents.join(", ")}`;
    throw new ReefError("conflict", text, { dependents });
  }

  #dependents(name: string): Version[] {
    return [...this.#deps.versions.values()].filter(({ module }) => module.dependencies?.includes(name));
  }

  async #remove(version: Version): Promise<void> {
    if (this.#deps.versions.get(version.name) !== version) return;
    await this.#suspendDependents(version.name);
    await this.#deps.live.remove(version);
  }

  /** Takes down, dependents first, what cannot live without a module; it comes back with that module. */
  async #suspendDependents(name: string): Promise<void> {
    for (const version of this.#dependents(name)) {
      const { copy, dir, module } = version;
      if (!copy || dir === null) continue;
      await this.#serially(keyOf(version), () => this.#remove(version));
      const folder = {
        folder: dir,
        path: copy.source,
        stock: (await this.#deps.workshop()).isStockName(dir),
      };
      this.#note(folder, new UnmetDependencies(module, [name]));
    }
  }

  #outcome(
    folders: Folder[],
    before: ReadonlySet<Version>,
    removed: string[],
  ): Awaited<ReturnType<RegistryFace["reloadAll"]>> {
    const paths = new Set([...before].map(({ copy }) => copy?.source));
    const actionOf = (version: Version): ReloadAction => {
      if (before.has(version)) return "unchanged";
      return paths.has(version.copy?.source) ? "updated" : "added";
    };
    const good = folders.filter(({ path }) => !this.#deps.problems.get(path));
    const live = good.flatMap((folder) => this.#liveFrom(folder) ?? []);
    return {
      results: [
        ...live.map((version) => ({ name: version.name, action: actionOf(version) })),
        ...removed.map((name) => ({ name, action: "removed" as const })),
      ],
      errors: this.#deps.problems.list().flatMap(({ dir, error }) => (error ? [{ dir, error }] : [])),
    };
  }
}

function keyOf(version: Version): string {
  return version.copy?.source ?? `object ${version.name}`;
}

function duplicateName(name: string, folder: string | null): ReefError {
  const place = folder === null ? "built in" : `already in folder ${folder}`;
  return new ReefError("bad_request", `duplicate name "${name}" (${place})`);
}

function stockNameTaken(name: string): ReefError {
  return new ReefError("bad_request", `"${name}" is a stock service`);
}
