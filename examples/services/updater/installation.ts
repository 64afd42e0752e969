// Where reef itself is installed, and which files there say which version it is.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ReefError } from "#core/errors.js";

const Manifest = Type.Object({
  name: Type.String({ pattern: "^(@[a-z0-9._~-]+/)?[a-z0-9._~-]+$" }),
  version: Type.String(),
});
export type Manifest = Static<typeof Manifest>;

const Dependencies = Type.Optional(Type.Record(Type.String(), Type.String()));
const ProjectManifest = Type.Object({
  dependencies: Dependencies,
  devDependencies: Dependencies,
  optionalDependencies: Dependencies,
});

export const LOCKFILES = ["bun.lock", "bun.lockb", "package-lock.json", "npm-shrinkwrap.json"] as const;
/** Of package managers that keep one store for all projects, in which nothing may be exchanged. */
const FOREIGN_LOCKFILES = ["pnpm-lock.yaml", "yarn.lock"];

export interface Installation {
  /** The folder above `node_modules`. */
  base: string;
  /** Whether `base` is a project that names reef as a dependency, and not the place of what is installed globally. */
  isProject: boolean;
  /** Leads to the package, whichever version is installed. */
  link: string;
  /** What is exchanged for another version as a whole. */
  folder: string;
  /** The package's own package.json, within that folder. */
  manifest: string;
}

export function readManifest(folder: string): Manifest {
  const value: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (Value.Check(Manifest, value)) return value;
  throw new Error(`${join(folder, "package.json")} has no name and version`);
}

/** Throws `conflict` for what no package manager of npm packages has installed. */
export function findInstallation(root: string, { name }: Manifest): Installation {
  const bases = basesOf(root);
  const project = bases.find((base) => isDependencyOf(base, name));
  const base = project ?? bases.at(-1);
  if (base === undefined || !existsSync(join(base, "node_modules", name)))
    throw new ReefError("conflict", "not installed from npm: update with git");
  const foreign = FOREIGN_LOCKFILES.find((file) => existsSync(join(base, file)));
  if (foreign !== undefined)
    throw new ReefError("conflict", `installed with ${foreign}: update with its package manager`);
  const isProject = project !== undefined;
  const modules = join(base, "node_modules");
  const link = join(modules, name);
  return {
    base,
    isProject,
    link,
    folder: isProject ? modules : link,
    manifest: isProject ? join(name, "package.json") : "package.json",
  };
}

/** The folders above each `node_modules` in a path, outermost first. */
function basesOf(path: string): string[] {
  const parts = dirname(path).split(sep);
  return parts.flatMap((part, at) => (part === "node_modules" ? [parts.slice(0, at).join(sep) || sep] : []));
}

function isDependencyOf(base: string, name: string): boolean {
  const path = join(base, "package.json");
  if (!existsSync(path)) return false;
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!Value.Check(ProjectManifest, value)) return false;
  return [value.dependencies, value.devDependencies, value.optionalDependencies].some(
    (names) => names !== undefined && Object.hasOwn(names, name),
  );
}
