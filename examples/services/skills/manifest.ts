// What all agents are to have, in one answer.
import type { Entry } from "./agents.js";
import type { EnabledRow } from "./rows.js";

export interface Manifest {
  skills: Entry[];
  extensions: Entry[];
  /** The id of the newest change; empty before the first. */
  revision: string;
  hashes: Record<"skills" | "extensions", Record<string, string>>;
}

export function manifestOf(
  skills: readonly EnabledRow[],
  extensions: readonly EnabledRow[],
  revision: string,
): Manifest {
  return {
    skills: skills.map(entryOf),
    extensions: extensions.map(entryOf),
    revision,
    hashes: { skills: hashesOf(skills), extensions: hashesOf(extensions) },
  };
}

function entryOf({ name, version }: EnabledRow): Entry {
  return { name, version };
}

function hashesOf(rows: readonly EnabledRow[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}
