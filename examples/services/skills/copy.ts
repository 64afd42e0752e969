// One copy of the enabled skills on the server's own disk, from which every task of reef's is offered them.
import { chmod, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";

const FOLDER = "skills-hub";
const READ_ONLY = 0o444;

export interface SkillCopy {
  /** Makes what is on disk of a skill what the hub has. Never rejects: what fails is logged. */
  refresh(name: string): Promise<void>;
  /** The same for all skills, and takes away what is none. */
  refreshAll(): Promise<void>;
}

export interface CopySource {
  /** Of a skill that is enabled. */
  content(name: string): string | undefined;
  names(): string[];
}

/** One piece of work at a time, so that the last word about a skill is the hub's newest. */
export function createCopy(
  { dataDir, log, signal, onDispose }: Pick<ServiceContext, "dataDir" | "log" | "signal" | "onDispose">,
  source: CopySource,
): SkillCopy {
  const folder = join(dataDir, FOLDER);
  let last: Promise<void> = Promise.resolve();
  onDispose("copy of the skills", () => last);

  function next(work: () => Promise<void>): Promise<void> {
    last = last.then(work).catch((error) => log.error("the copy of the skills is behind:", error));
    return last;
  }

  async function refresh(name: string): Promise<void> {
    if (signal.aborted) return;
    const content = source.content(name);
    const place = join(folder, name);
    if (content === undefined) return rm(place, { recursive: true, force: true });
    const path = join(place, "SKILL.md");
    if ((await textAt(path)) === content) return;
    await mkdir(place, { recursive: true });
    await writeDurably(path, content);
    await chmod(path, READ_ONLY);
  }

  async function refreshAll(): Promise<void> {
    await mkdir(folder, { recursive: true });
    const there = await readdir(folder);
    if (signal.aborted) return;
    for (const name of new Set([...there, ...source.names()])) await refresh(name);
  }

  return { refresh: (name) => next(() => refresh(name)), refreshAll: () => next(refreshAll) };
}

/** Undefined when there is no such file. */
async function textAt(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}
