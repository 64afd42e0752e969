// One folder `_hub` of pi's agent folder: what the SkillHub has given this machine, one folder for each item. Nothing
// outside of it is touched, and nothing in it that somebody else has written is lost.
import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, hashOf, kindOf, orAbsent, readOwn, writeNew } from "./skills-file.js";

/** It becomes the name of a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TEMPORARY = ".tmp-";
/** What a process that was killed has left; another one may be at work at this moment. */
const TEMPORARY_MS_MAX = 3_600_000;

export interface Held {
  name: string;
  version: number;
  /** Of what is there now. */
  hash: string;
}

export interface Content extends Held {
  content: string;
}

export interface HubFolder {
  readonly path: string;
  /** What was written there and still is, by name. Rejects when `_hub` is a link or a file. */
  read(): Promise<Held[]>;
  /** Puts an item in the place of its former version. Whoever reads meanwhile finds the one or the other. */
  write(item: Content): Promise<void>;
  /** Takes away what `write` has put there. */
  remove(name: string): Promise<void>;
}

export function isItemName(name: string): boolean {
  return NAME.test(name) && !name.includes("..");
}

/** `fileOf` says how the file of an item is called. */
export function createHubFolder(path: string, fileOf: (name: string) => string): HubFolder {
  async function heldIn(name: string): Promise<Held | undefined> {
    const place = join(path, name);
    const [version, content] = await Promise.all([
      readOwn(join(place, ".version")),
      readOwn(join(place, fileOf(name))),
    ]);
    const number = /^[1-9]\d{0,14}$/.exec(version?.toString().trim() ?? "");
    return number && content ? { name, version: Number(number[0]), hash: hashOf(content) } : undefined;
  }

  /** A folder beside it that has everything, or the files one by one into the folder that is there. */
  async function putIn(temporary: string, { name, hash }: Held): Promise<void> {
    const place = join(path, name);
    if ((await checkedKind(place)) === "absent") {
      await chmod(temporary, 0o755);
      return rename(temporary, place);
    }
    await keepEdited(place, fileOf(name), hash);
    for (const file of [fileOf(name), ".hash", ".version"])
      await rename(join(temporary, file), join(place, file));
  }

  return {
    path,
    async read() {
      if ((await checkedKind(path)) === "absent") return [];
      const entries = await readdir(path, { withFileTypes: true });
      await removeLeftovers(path, entries);
      const names = entries
        .filter((one) => one.isDirectory() && isItemName(one.name))
        .map(({ name }) => name);
      const held: Held[] = [];
      for (const name of names.sort()) held.push(...[(await heldIn(name)) ?? []].flat());
      return held;
    },
    async write(item) {
      const { name, version, hash, content } = item;
      checkName(name);
      await checkedKind(path);
      await mkdir(path, { recursive: true });
      const temporary = await mkdtemp(join(path, TEMPORARY));
      try {
        await writeNew(join(temporary, fileOf(name)), content);
        await writeNew(join(temporary, ".hash"), hash);
        await writeNew(join(temporary, ".version"), String(version));
        await putIn(temporary, item);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    },
    async remove(name) {
      checkName(name);
      const place = join(path, name);
      if ((await checkedKind(path)) === "absent" || (await checkedKind(place)) === "absent") return;
      await keepEdited(place, fileOf(name));
      for (const file of [fileOf(name), ".hash", ".version"]) await orAbsent(unlink(join(place, file)));
      await removeEmpty(place);
    },
  };
}

/** Neither as a folder's name nor through a link does anything lead out of `_hub`. */
function checkName(name: string): void {
  if (!isItemName(name)) throw new Error(`${JSON.stringify(name)} is no name of an item`);
}

async function checkedKind(path: string): Promise<"absent" | "folder"> {
  const kind = await kindOf(path);
  if (kind === "other") throw new Error(`${path} is no folder, and links are not followed`);
  return kind;
}

/** A file that is neither what was written there nor what comes now stays beside it under another name. */
async function keepEdited(place: string, file: string, next?: string): Promise<void> {
  const [content, written] = await Promise.all([readOwn(join(place, file)), readOwn(join(place, ".hash"))]);
  if (!content) return;
  const hash = hashOf(content);
  if (hash === written?.toString().trim() || hash === next) return;
  const short = hash.slice("sha256:".length, "sha256:".length + 8);
  try {
    await copyFile(join(place, file), join(place, `${file}.edited-${short}`), constants.COPYFILE_EXCL);
  } catch (error) {
    // The same text was kept before.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

async function removeEmpty(place: string): Promise<void> {
  try {
    await rmdir(place);
  } catch (error) {
    // Somebody has something there.
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(String(codeOf(error)))) throw error;
  }
}

async function removeLeftovers(path: string, entries: readonly { name: string }[]): Promise<void> {
  for (const { name } of entries.filter((one) => one.name.startsWith(TEMPORARY))) {
    const stat = await orAbsent(lstat(join(path, name)));
    if (stat && Date.now() - stat.mtimeMs > TEMPORARY_MS_MAX)
      await rm(join(path, name), { recursive: true, force: true });
  }
}
