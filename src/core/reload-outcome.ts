// What a reload of all folders came to, told from what was live before and what is live now.
import type { Folder, Problems } from "./problems.js";
import type { RegistryFace, ReloadAction } from "./types.js";
import type { Version } from "./version.js";

export interface Reload {
  /** Those that are there. */
  folders: readonly Folder[];
  before: ReadonlySet<Version>;
  /** What is live now, by module name. */
  versions: ReadonlyMap<string, Version>;
  /** Names of modules whose folder is gone. */
  removed: readonly string[];
  problems: Problems;
}

export function reloadOutcome(reload: Reload): Awaited<ReturnType<RegistryFace["reloadAll"]>> {
  const { folders, before, versions, removed, problems } = reload;
  const paths = new Set([...before].map(({ copy }) => copy?.source));
  const actionOf = (version: Version): ReloadAction => {
    if (before.has(version)) return "unchanged";
    return paths.has(version.copy?.source) ? "updated" : "added";
  };
  const good = folders.filter(({ path }) => !problems.get(path));
  const live = good.flatMap(
    ({ path }) => [...versions.values()].find(({ copy }) => copy?.source === path) ?? [],
  );
  return {
    results: [
      ...live.map((version) => ({ name: version.name, action: actionOf(version) })),
      ...removed.map((name) => ({ name, action: "removed" as const })),
    ],
    errors: problems.list().flatMap(({ dir, error }) => (error ? [{ dir, error }] : [])),
  };
}
