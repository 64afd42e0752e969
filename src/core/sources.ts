// From a service folder to a module that can be started: which version it is to be, where that runs, and its import.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Config } from "./config.js";
import { ReefError } from "./errors.js";
import { readFolder } from "./folder.js";
import { moduleNameProblem } from "./names.js";
import type { Folder } from "./problems.js";
import type { FolderRecord } from "./records.js";
import type { StagedCopy } from "./stage.js";
import type { Isolation, LoadOptions, ServiceCopy, ServiceModule } from "./types.js";
import type { Workshop } from "./workshop.js";

/** How one folder is loaded: `pin` names the version that takes the place of the folder's own. */
export interface Plan extends Omit<LoadOptions, "copy"> {
  copy?: StagedCopy;
  pin?: NonNullable<FolderRecord["pin"]>;
}

/** Runs services in processes of their own. */
export interface Isolator {
  importModule(copy: StagedCopy, limitMs: number): Promise<ServiceModule>;
}

interface SourcesDeps {
  workshop(): Promise<Workshop>;
  isolator: Isolator;
  isolate: Config["isolate"];
}

export class Sources {
  /** Module names by service folder, as last imported. */
  readonly names = new Map<string, string>();
  readonly #deps: SourcesDeps;
  /** Copies that somebody tests before they are loaded. */
  readonly #handed = new WeakSet<ServiceCopy>();

  constructor(deps: SourcesDeps) {
    this.#deps = deps;
  }

  /** What is to be live when nobody asks for anything else: the folder's own version, or the one pinned in its place. */
  async standing(folder: Folder): Promise<Plan> {
    const { records, archive } = await this.#deps.workshop();
    const { pin } = records.get(folder.folder);
    if (pin === undefined) return {};
    if (archive.find(folder.folder, pin.hash) && pin.from === (await readFolder(folder.path))) return { pin };
    await records.set(folder.folder, { pin: undefined });
    return {};
  }

  async copy(folder: Folder, { copy, pin }: Plan): Promise<StagedCopy> {
    const workshop = await this.#deps.workshop();
    if (!folder.stock && workshop.isStockName(folder.folder)) throw stockNameTaken(folder.folder);
    return copy ?? workshop.stage(folder, { kept: pin?.hash });
  }

  /**
   * A copy of the folder as it is now, for who wants to look at it before it is loaded. Until that is `tried`, the version
   * that is `live` is what a restart goes back to.
   */
  async handOut(folder: Folder, live: StagedCopy | null | undefined): Promise<StagedCopy> {
    const workshop = await this.#deps.workshop();
    const copy = await workshop.stage(folder, { packages: "copy" });
    try {
      if (live && live.hash !== copy.hash) await this.#guard(folder, live, copy);
    } catch (error) {
      await workshop.retire(copy);
      throw error;
    }
    this.#handed.add(copy);
    return copy;
  }

  /** Whatever became of the copy that was handed out, the folder counts as it is again. */
  async tried({ source }: StagedCopy): Promise<void> {
    const { records } = await this.#deps.workshop();
    const folder = basename(source);
    if (records.get(folder).trial) await records.set(folder, { trial: undefined });
  }

  async #guard({ folder }: Folder, live: StagedCopy, copy: StagedCopy): Promise<void> {
    const { archive, records } = await this.#deps.workshop();
    await archive.store(folder, live);
    await records.set(folder, { trial: { hash: live.hash, from: copy.hash } });
  }

  /** Takes such a copy back, once. */
  handedOut(copy: ServiceCopy): StagedCopy {
    if (!this.#isHandedOut(copy)) throw new ReefError("bad_request", "this copy was not staged here");
    return copy;
  }

  #isHandedOut(copy: ServiceCopy): copy is StagedCopy {
    return this.#handed.delete(copy);
  }

  /** What the service asks for, unless whoever deployed it is not to decide that; reef's own run in the server. */
  async isolationOf(folder: Folder, copy: StagedCopy, { deploy }: Plan): Promise<Isolation> {
    const { isolate } = this.#deps;
    const { isStock, records } = await this.#deps.workshop();
    if (isStock(folder)) return "none";
    if (isolate !== "agent") return isolate === "all" ? "process" : "none";
    const recorded = (deploy ?? records.get(folder.folder)).isolation;
    return recorded === "process" ? "process" : declaredIsolation(copy);
  }

  async importModule(
    folder: Folder,
    { copy, isolation }: { copy: StagedCopy; isolation: Isolation },
    limitMs: number,
  ): Promise<ServiceModule> {
    const workshop = await this.#deps.workshop();
    const importer = isolation === "process" ? this.#deps.isolator : workshop;
    const module = await importer.importModule(copy, limitMs);
    const { name } = module;
    this.names.set(folder.path, name);
    if (!folder.stock && workshop.isStockName(name)) throw stockNameTaken(name);
    const problem = moduleNameProblem(name);
    if (problem) throw new ReefError("bad_request", problem);
    return module;
  }
}

const Declaration = Type.Object({
  reef: Type.Object({ isolation: Type.Union([Type.Literal("none"), Type.Literal("process")]) }),
});

/** What the service's package.json asks for; it can be read without running anything. */
async function declaredIsolation(copy: StagedCopy): Promise<Isolation> {
  if (!copy.files.includes("package.json")) return "none";
  const own: unknown = JSON.parse(await readFile(join(copy.dir, "package.json"), "utf8"));
  return Value.Check(Declaration, own) ? own.reef.isolation : "none";
}

function stockNameTaken(name: string): ReefError {
  return new ReefError("bad_request", `"${name}" is a stock service`);
}
