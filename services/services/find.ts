// A service may be named by its module or by its folder; the module goes first.
import { ReefError } from "#core/errors.js";
import type { ModuleStatus, RegistryFace } from "#core/types.js";

type Modules = Pick<RegistryFace, "list" | "problems">;

export function liveModule(registry: Pick<Modules, "list">, asked: string): ModuleStatus | undefined {
  const live = registry.list();
  return live.find(({ name }) => name === asked) ?? live.find(({ dir }) => dir === asked);
}

/** Of a live module, else of one that is known to be disabled or to have a problem, else what was asked for. */
export function folderOf(registry: Modules, asked: string): string {
  const known = liveModule(registry, asked) ?? registry.problems().find(({ name }) => name === asked);
  return known?.dir ?? asked;
}

export function unknownModule(asked: string): ReefError {
  return new ReefError("not_found", `Module "${asked}" not found`);
}
