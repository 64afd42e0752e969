// Development: takes up the changes of a services folder as they are saved. Running tasks go on; what is unchanged stays.
import { type FSWatcher, watch } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Kernel } from "./core/server.js";

/** An editor saves several files, and one file in several steps. */
const SETTLE_MS = 100;
/** What a service or a package manager writes, and not its author. */
const IGNORED = /(^|\/)(node_modules|\.git)(\/|$)|^[^/]+\/data(\/|$)|^\./;

/** Resolves when it watches. Returns its end. */
export async function watchServices(
  servicesDir: string,
  server: Pick<Kernel, "fetch" | "log">,
): Promise<() => void> {
  const log = server.log("watch");
  const watchers = new Map<string, FSWatcher>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReloading = false;

  function changed(path: string | null): void {
    if (path !== null && IGNORED.test(path.split(sep).join("/"))) return;
    clearTimeout(timer);
    timer = setTimeout(() => void takeUp(), SETTLE_MS);
  }

  async function takeUp(): Promise<void> {
    if (isReloading) return changed(null);
    isReloading = true;
    try {
      for (const line of await reload(server)) log.info(line);
      await watchLinked();
    } catch (error) {
      log.error("the changes were not taken up:", error);
    } finally {
      isReloading = false;
    }
  }

  /** A recursive watch does not follow links, so each linked folder is watched where it really is. */
  async function watchLinked(): Promise<void> {
    const places = await linkedFolders(servicesDir);
    for (const [place, watcher] of watchers) {
      if (places.has(place)) continue;
      watcher.close();
      watchers.delete(place);
    }
    for (const [place, folder] of places) {
      if (watchers.has(place)) continue;
      watchers.set(
        place,
        watch(place, { recursive: true }, (_, path) => changed(join(folder, path ?? ""))),
      );
    }
  }

  const own = watch(servicesDir, { recursive: true }, (_, path) => changed(path));
  await watchLinked();
  return () => {
    clearTimeout(timer);
    for (const watcher of [own, ...watchers.values()]) watcher.close();
  };
}

/** Real path to folder name. A link that leads nowhere is a problem of the service, and none here. */
async function linkedFolders(servicesDir: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(servicesDir, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const place = await realpath(join(servicesDir, entry.name)).catch(() => undefined);
    if (place !== undefined) found.set(place, entry.name);
  }
  return found;
}

interface Outcome {
  results: { name: string; action: string }[];
  errors: { dir: string; error: string }[];
}

/** Asks the services manager, which records each change in the tree. A line for each module that changed, or could not. */
async function reload({ fetch }: Pick<Kernel, "fetch">): Promise<string[]> {
  const response = await fetch("/services/reload", { method: "POST" }, { kind: "server" });
  if (!response.ok) return [`reload failed: ${await response.text()}`];
  const { results, errors } = (await response.json()) as Outcome;
  const changes = results.filter(({ action }) => action !== "unchanged");
  return [
    ...changes.map(({ name, action }) => `${action}: ${name}`),
    ...errors.map(({ dir, error }) => `${dir}: ${error}`),
  ];
}
