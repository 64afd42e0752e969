// What is shown of modules: the live ones, and the folders without one or with a part of it missing.
import type { Problems } from "./problems.js";
import type { Records } from "./records.js";
import type { ToolBox } from "./tools.js";
import type { ModuleProblem, ModuleStatus } from "./types.js";
import type { Version } from "./version.js";

/** One live module, as `GET /services` shows it. */
export function statusOf(version: Version, records: Records | undefined): ModuleStatus {
  const { module, name, dir, hash, loadedAt, loadMs, isolation, scope, lastError } = version;
  return {
    name,
    description: module.description ?? null,
    hasRoutes: module.routes !== undefined,
    hasTools: module.registerTools !== undefined,
    hasBehaviors: module.registerBehaviors !== undefined,
    hasWidget: module.widget !== undefined,
    mountAtRoot: module.mountAtRoot ?? false,
    dependencies: [...(module.dependencies ?? [])],
    dir,
    hash,
    loadedAt: new Date(loadedAt).toISOString(),
    loadMs,
    isolation,
    ...pinOf(version, records),
    ...(lastError ? { lastError } : {}),
    holds: scope.holds(),
  };
}

/** What is not live, or not all of it, and why; by folder. */
export function allProblems(
  problems: Problems,
  versions: Version[],
  { tools, records }: { tools: ToolBox; records: Records | undefined },
): ModuleProblem[] {
  return [...problems.list(), ...disabledOnes(records), ...toolProblems(versions, tools)].sort(byFolder);
}

function pinOf({ dir, hash }: Version, records: Records | undefined): { pinned?: string } {
  const pin = dir === null ? undefined : records?.get(dir).pin;
  return pin && pin.hash === hash ? { pinned: pin.from } : {};
}

function disabledOnes(records: Records | undefined): ModuleProblem[] {
  const all = [...(records?.entries ?? [])];
  return all.flatMap(([dir, { disabled: name }]) =>
    name === undefined ? [] : [{ dir, name, state: "disabled" as const }],
  );
}

/** A module that is live, though not all of its tools are. */
function toolProblems(versions: Version[], tools: ToolBox): ModuleProblem[] {
  return versions.flatMap(({ name, dir }) => {
    const problems = tools.problems(name);
    return problems.length === 0
      ? []
      : [{ dir: dir ?? name, name, state: "failed", error: problems.join("; ") }];
  });
}

function byFolder(a: ModuleProblem, b: ModuleProblem): number {
  return a.dir < b.dir ? -1 : Number(a.dir > b.dir);
}
