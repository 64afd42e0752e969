// The live modules as a Map of their objects: nothing is kept here, every look goes to the registry.
import type { LiveModule } from "./registry.js";
import type { ServiceModule } from "./types.js";

export class ModuleView extends Map<string, ServiceModule> {
  readonly #live: ReadonlyMap<string, LiveModule>;

  constructor(live: ReadonlyMap<string, LiveModule>) {
    super();
    this.#live = live;
  }

  override get size(): number {
    return this.#live.size;
  }

  override get(name: string): ServiceModule | undefined {
    return this.#live.get(name)?.module;
  }

  override has(name: string): boolean {
    return this.#live.has(name);
  }

  override keys(): MapIterator<string> {
    return this.#copy().keys();
  }

  override values(): MapIterator<ServiceModule> {
    return this.#copy().values();
  }

  override entries(): MapIterator<[string, ServiceModule]> {
    return this.#copy().entries();
  }

  override [Symbol.iterator](): MapIterator<[string, ServiceModule]> {
    return this.entries();
  }

  override forEach(
    each: (module: ServiceModule, name: string, map: Map<string, ServiceModule>) => void,
  ): void {
    for (const [name, module] of this.entries()) each(module, name, this);
  }

  override set(): never {
    throw new TypeError("Modules are loaded through the registry.");
  }

  override delete(): never {
    throw new TypeError("Modules are unloaded through the registry.");
  }

  override clear(): never {
    throw new TypeError("Modules are unloaded through the registry.");
  }

  #copy(): Map<string, ServiceModule> {
    return new Map([...this.#live].map(([name, { module }]) => [name, module]));
  }
}
