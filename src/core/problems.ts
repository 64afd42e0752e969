// Why a service folder has no live module, or not its newest version: what `GET /services` lists as problems.
import type { Candidate } from "./discover.js";
import { missingText } from "./discover.js";
import { messageOf, ReefError } from "./errors.js";
import { orderByDependencies } from "./order.js";
import type { ModuleProblem, ServiceModule } from "./types.js";

export interface Folder extends Candidate {
  stock: boolean;
}

interface Waiting {
  folder: Folder;
  name: string;
  dependencies: readonly string[];
}

/** What the load of a module fails with when something that it depends on is not live. */
export class UnmetDependencies extends ReefError {
  readonly module: ServiceModule;
  readonly missing: readonly string[];

  constructor(module: ServiceModule, missing: readonly string[]) {
    super("bad_request", missingText(missing), { missing });
    this.module = module;
    this.missing = missing;
  }
}

export function duplicateName(name: string, folder: string | null): ReefError {
  const place = folder === null ? "built in" : `already in folder ${folder}`;
  return new ReefError("bad_request", `duplicate name "${name}" (${place})`);
}

export class Problems {
  readonly #byPath = new Map<string, ModuleProblem>();
  /** Folders whose module loads by itself as soon as its dependencies are live. */
  readonly #waiting = new Map<string, Waiting>();

  list(): ModuleProblem[] {
    return [...this.#byPath.values()];
  }

  get(path: string): ModuleProblem | undefined {
    return this.#byPath.get(path);
  }

  clear(path: string): void {
    this.#byPath.delete(path);
    this.#waiting.delete(path);
  }

  drop(dirName: string): void {
    for (const [path, { dir }] of [...this.#byPath]) if (dir === dirName) this.clear(path);
  }

  fail(folder: Folder, error: unknown, name?: string): void {
    this.clear(folder.path);
    this.#byPath.set(folder.path, {
      dir: folder.folder,
      ...named(name),
      state: "failed",
      error: messageOf(error),
    });
  }

  hold(folder: Folder, error: string): void {
    this.#byPath.set(folder.path, { dir: folder.folder, state: "held", error });
  }

  /** Waits for what it misses, unless the modules that wait wait for each other. */
  wait(folder: Folder, { module, missing, message }: UnmetDependencies): void {
    const { name, dependencies = [] } = module;
    this.#byPath.set(folder.path, {
      dir: folder.folder,
      name,
      state: "unmet",
      error: message,
      missing: [...missing],
    });
    this.#waiting.set(folder.path, { folder, name, dependencies });
    for (const { member, path } of orderByDependencies([...this.#waiting.values()]).cycles) {
      const error = `Dependency cycle: ${path}`;
      this.#byPath.set(member.folder.path, {
        dir: member.folder.folder,
        name: member.name,
        state: "failed",
        error,
      });
    }
  }

  /** A folder that waits for nothing any more. */
  ready(isLive: (name: string) => boolean): Folder | undefined {
    for (const { folder, dependencies } of this.#waiting.values())
      if (dependencies.every(isLive)) return folder;
    return undefined;
  }

  /** Drops what is no longer there. */
  keep(paths: ReadonlySet<string>): void {
    for (const path of [...this.#byPath.keys()]) if (!paths.has(path)) this.clear(path);
  }
}

function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name };
}
