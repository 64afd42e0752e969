// From folders to live modules and back: load one, load all at start, take up what changed, unload. Each folder's own
// problem is written down and keeps no other folder back.
import { BROKEN_LINK } from "./discover.js";
import type { Doors } from "./doors.js";
import { messageOf, ReefError } from "./errors.js";
import { readFolder } from "./folder.js";
import type { Live, Verify } from "./live.js";
import { orderByDependencies } from "./order.js";
import { duplicateName, type Folder, type Problems, UnmetDependencies } from "./problems.js";
import { reloadOutcome } from "./reload-outcome.js";
import { createSerially } from "./serial.js";
import type { Plan, Sources } from "./sources.js";
import type { StagedCopy } from "./stage.js";
import type { LoadOptions, Log, ModuleChange, RegistryFace, ServiceModule } from "./types.js";
import type { Incoming, Version } from "./version.js";
import type { Workshop } from "./workshop.js";

export interface LoaderDeps {
  versions: ReadonlyMap<string, Version>;
  live: Live;
  doors: Doors;
  problems: Problems;
  workshop(): Promise<Workshop>;
  sources: Sources;
  retire(copy: StagedCopy): Promise<void>;
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

export class Loader {
  readonly #deps: LoaderDeps;
  readonly #serially = createSerially();
  /** Names that are taken by modules about to start. */
  readonly #starting = new Map<string, Folder>();
  constructor(deps: LoaderDeps) {
    this.#deps = deps;
  }

  async load(dirName: string, { copy, ...options }: LoadOptions = {}): Promise<ModuleChange> {
    const folder = await this.#find(dirName);
    const staged = copy && this.#deps.sources.handedOut(copy);
    const loading = this.#carryOut(folder, { ...options, copy: staged });
    return staged ? loading.finally(() => this.#deps.sources.tried(staged)) : loading;
  }

  async stage(dirName: string): Promise<StagedCopy> {
    const folder = await this.#find(dirName);
    return this.#deps.sources.handOut(folder, this.#liveFrom(folder)?.copy);
  }

  async rollback(dirName: string, hash?: string): ReturnType<RegistryFace["rollback"]> {
    const folder = await this.#find(dirName);
    const { archive, records } = await this.#deps.workshop();
    const kept = archive.list(folder.folder);
    const from = this.#liveFrom(folder)?.hash ?? null;
    const to = hash ?? before(kept, from);
    if (hash !== undefined && !kept.includes(hash))
      throw new ReefError("not_found", `No version ${hash} of "${folder.folder}" is kept`);
    if (to === undefined || to === from) throw new ReefError("conflict", "Nothing to roll back to");
    const { pin } = records.get(folder.folder);
    const origin = pin && pin.hash === from ? pin.from : (from ?? (await readFolder(folder.path)));
    const { name } = await this.#carryOut(folder, { pin: { hash: to, from: origin } });
    return { name, from, to };
  }

  /**
   * reef's own services first: the installer puts right what a killed one has left, before the user's folders are looked
   * at. `hold`: why only stock services are started now.
   */
  async loadAll({ hold }: { hold?: string } = {}): Promise<void> {
    const workshop = await this.#deps.workshop();
    const isEnabled = ({ folder }: Folder) => workshop.records.get(folder).disabled === undefined;
    const { folders } = await workshop.scan();
    await this.#startAll(folders.filter((folder) => workshop.isStock(folder) && isEnabled(folder)));
    const present = await this.#present(workshop);
    const others = present.filter((folder) => !workshop.isStock(folder) && isEnabled(folder));
    if (hold) for (const folder of others) this.#deps.problems.hold(folder, hold);
    else await this.#startAll(others);
    await this.startWaiting();
  }

  async reloadAll({ force = false } = {}): ReturnType<RegistryFace["reloadAll"]> {
    const workshop = await this.#deps.workshop();
    return this.#deps.doors.asking(async () => {
      const before = new Set(this.#deps.versions.values());
      const folders = await this.#present(workshop);
      const removed = await this.#removeGone(new Set(folders.map(({ path }) => path)));
      for (const folder of folders) {
        if (workshop.records.get(folder.folder).disabled !== undefined) continue;
        const plan = await this.#deps.sources.standing(folder);
        if (!force && (await this.#isUnchanged(folder, plan))) this.#deps.problems.clear(folder.path);
        else await this.#tried(folder, () => this.#change(folder, plan));
      }
      await this.startWaiting();
      return reloadOutcome({ ...this.#deps, folders, before, removed });
    });
  }

  async unload(name: string, { force = false } = {}): Promise<void> {
    const { doors, problems, workshop } = this.#deps;
    await doors.asking(() =>
      this.#serially(keyOf(this.#named(name)), async () => {
        const version = this.#named(name);
        this.#checkUnload(version, force);
        if (version.dir !== null)
          await (await workshop()).records.set(version.dir, { disabled: version.name });
        if (version.copy) problems.clear(version.copy.source);
        await this.#remove(version);
      }),
    );
  }

  async forget(dirName: string, { force = false } = {}): Promise<void> {
    const { doors, problems } = this.#deps;
    const workshop = await this.#deps.workshop();
    const isGone = workshop.find(dirName) === undefined;
    const version = [...this.#deps.versions.values()].find(({ dir }) => dir === dirName);
    await doors.asking(async () => {
      if (isGone && version) {
        this.#checkUnload(version, force);
        await this.#serially(keyOf(version), () => this.#remove(version));
      }
      problems.drop(dirName);
      if (isGone) await workshop.archive.clear(dirName);
    });
  }

  /** Loads what waited for a module that is live now. */
  async startWaiting(): Promise<void> {
    const isLive = (name: string) => this.#deps.versions.has(name);
    for (let folder = this.#deps.problems.ready(isLive); folder; folder = this.#deps.problems.ready(isLive)) {
      const ready = folder;
      this.#deps.problems.clear(ready.path);
      await this.#tried(ready, async () => this.#change(ready, await this.#deps.sources.standing(ready)));
    }
  }

  async #startAll(starting: Folder[]): Promise<void> {
    const arrivals = await Promise.all(
      starting.map((folder) =>
        this.#tried(folder, async () => this.#arrive(folder, await this.#deps.sources.standing(folder))),
      ),
    );
    const claimed: Arrival[] = [];
    for (const arrival of arrivals) {
      const claim = arrival && (await this.#tried(arrival.folder, () => this.#claim(arrival)));
      if (claim) claimed.push(claim);
    }
    const { order, cycles } = orderByDependencies(claimed);
    for (const { member } of cycles) await this.#tried(member.folder, () => this.#startArrived(member));
    for (const arrival of order) await this.#tried(arrival.folder, () => this.#startArrived(arrival));
  }

  async #find(dirName: string): Promise<Folder> {
    const folder = (await this.#deps.workshop()).find(dirName);
    if (folder) return folder;
    throw new ReefError("not_found", `No service directory "${dirName}" with index.ts found`);
  }

  /** What somebody asked for; what waited for this module follows. */
  #carryOut(folder: Folder, plan: Plan): Promise<ModuleChange> {
    return this.#deps.doors.asking(async () => {
      const change = await this.#change(folder, plan).catch((error) => {
        this.#note(folder, error);
        throw error;
      });
      await this.startWaiting();
      return change;
    });
  }

  #change(folder: Folder, plan: Plan): Promise<ModuleChange> {
    return this.#serially(folder.path, async () => {
      const old = this.#liveFrom(folder);
      const version = old ? await this.#replace(old, folder, plan) : await this.#add(folder, plan);
      this.#deps.problems.clear(folder.path);
      return { name: version.name, action: old ? "updated" : "added" };
    });
  }

  async #add(folder: Folder, plan: Plan): Promise<Version> {
    const arrival = await this.#arrive(folder, plan);
    const verify = await this.#verifyAndRecord(folder, plan, [arrival.incoming.copy]);
    return this.#start(await this.#claim(arrival), verify);
  }

  async #replace(old: Version, folder: Folder, plan: Plan): Promise<Version> {
    const startedAt = performance.now();
    const copy = await this.#deps.sources.copy(folder, plan);
    const isolation = await this.#deps.sources.isolationOf(folder, copy, plan);
    const prepare = async (): Promise<Incoming> => {
      const module = await this.#deps.sources.importModule(
        folder,
        { copy, isolation },
        this.#deps.replaceImportMs,
      );
      this.#checkReplacement(old, folder, module);
      return { module, dir: folder.folder, copy, isolation, startedAt };
    };
    return this.#orRetire(copy, async () => {
      const verify = await this.#verifyAndRecord(folder, plan, old.copy ? [old.copy, copy] : [copy]);
      try {
        return await this.#deps.live.replace(old, prepare, verify);
      } finally {
        if (!this.#deps.versions.has(old.name)) await this.#suspendDependents(old.name);
      }
    });
  }

  /** What is decided about a folder is on disk before a request sees it. A deployment's versions are stored before. */
  async #verifyAndRecord(folder: Folder, plan: Plan, versions: StagedCopy[]): Promise<Verify> {
    const { archive, records } = await this.#deps.workshop();
    const { deploy, pin } = plan;
    if (deploy) for (const version of versions) await archive.store(folder.folder, version);
    return async (tried) => {
      await plan.verify?.(tried);
      if (deploy) await archive.keep(folder.folder, versions);
      await records.set(folder.folder, { disabled: undefined, trial: undefined, pin, ...deploy });
    };
  }

  async #arrive(folder: Folder, plan: Plan): Promise<Arrival> {
    const startedAt = performance.now();
    const copy = await this.#deps.sources.copy(folder, plan);
    return this.#orRetire(copy, async () => {
      const isolation = await this.#deps.sources.isolationOf(folder, copy, plan);
      const module = await this.#deps.sources.importModule(folder, { copy, isolation }, this.#deps.importMs);
      const { name, dependencies = [] } = module;
      return {
        folder,
        name,
        dependencies,
        incoming: { module, dir: folder.folder, copy, isolation, startedAt },
      };
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
      await this.#deps.retire(copy);
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
    const name = this.#deps.sources.names.get(folder.path);
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

  /** What is there now; what is not is no problem any more, and nothing is remembered of it when it comes back. */
  async #present(workshop: Workshop): Promise<Folder[]> {
    const { folders, broken } = await workshop.scan();
    this.#deps.problems.keep(new Set(folders.map(({ path }) => path)));
    for (const folder of broken) this.#deps.problems.fail(folder, BROKEN_LINK);
    const present = new Set([...folders, ...broken].map(({ folder }) => folder));
    for (const folder of workshop.records.entries.keys()) {
      if (!present.has(folder)) await workshop.archive.clear(folder);
    }
    return folders;
  }

  async #isUnchanged(folder: Folder, { pin }: Plan): Promise<boolean> {
    const version = this.#liveFrom(folder);
    return version !== undefined && version.hash === (pin?.hash ?? (await readFolder(folder.path)));
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
}

function keyOf(version: Version): string {
  return version.copy?.source ?? `object ${version.name}`;
}

/** The version that was deployed before the current one; the newest kept one, when the current one never was. */
function before(kept: string[], current: string | null): string | undefined {
  const place = current === null ? -1 : kept.indexOf(current);
  return place === -1 ? kept.at(-1) : kept[place - 1];
}
