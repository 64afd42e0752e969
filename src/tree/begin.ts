// What opening the tree writes before anyone else does: the root, an imported tree, a new system prompt.
import { messageOf, ReefError } from "../core/errors.js";
import type { Log } from "../core/types.js";
import type { TreeFile } from "./file.js";
import { type GroupCommit, isStorageError } from "./group.js";
import { hasLegacy, LEGACY_FILE, readLegacy } from "./import.js";
import { mapLegacy } from "./legacy.js";
import { MAIN } from "./rules.js";
import type { Journal } from "./storage.js";
import type { Writer } from "./writer.js";

interface Beginning<S> {
  dir: string;
  /** As it will be stored. */
  systemPrompt: string;
  file: TreeFile;
  journal: Journal;
  group: GroupCommit;
  writer: Writer<S>;
  newId: () => string;
  now: () => number;
  log?: Log;
}

/** The node that holds the newest system prompt, which `main` may have left by hand. */
const PROMPT = "prompt";
const IMPORTED = "imported";

/** Returns the id of the root. */
export function beginTree<S>(tree: Beginning<S>): string {
  const failure = mayImport(tree) ? importLegacy(tree) : undefined;
  if (rootOf(tree) === undefined) writePrompt(tree, null);
  const root = rootOf(tree);
  if (root === undefined) throw new ReefError("internal", "The tree has no root");
  if (failure !== undefined) recordFailure(tree, root, failure);
  if (newestPrompt(tree) !== tree.systemPrompt) writePrompt(tree, root);
  return root;
}

/** After a failed attempt again, while nothing but that attempt is in the tree. */
function mayImport<S>({ dir, file }: Beginning<S>): boolean {
  if (!hasLegacy(dir) || file.meta(IMPORTED) !== undefined) return false;
  const other =
    "SELECT 1 FROM nodes WHERE role <> 'system' AND coalesce(eventType, '') <> 'import_failed' LIMIT 1";
  return file.db.query(other).get() === null;
}

/** Returns why it failed, and then nothing of it was written. */
function importLegacy<S>(tree: Beginning<S>): string | undefined {
  const { dir, file, writer, group, log } = tree;
  try {
    const { systemPrompt, newId, now } = tree;
    const legacy = mapLegacy(readLegacy(dir), { root: rootOf(tree), systemPrompt, newId, now: now() });
    group.now(() => {
      writer.load(legacy);
      file.setMeta(IMPORTED, String(now()));
      const prompt = legacy.nodes.find((node) => node.role === "system");
      if (prompt !== undefined) file.setMeta(PROMPT, prompt.id);
    });
    log?.info(`Imported ${legacy.nodes.length} nodes of ${LEGACY_FILE}; the file stays as it is.`);
    for (const warning of legacy.warnings) log?.warn(`${LEGACY_FILE}: ${warning}`);
    return undefined;
  } catch (error) {
    if (isStorageError(error)) throw error;
    log?.error(`${LEGACY_FILE} in ${dir} could not be imported, starting without it.`, error);
    return messageOf(error);
  }
}

function recordFailure<S>({ group, writer }: Beginning<S>, parentId: string, failure: string): void {
  const content = `${LEGACY_FILE} could not be imported: ${failure}`;
  const event = { parentId, role: "event", eventType: "import_failed", source: "reef", content } as const;
  group.now(() => writer.apply(() => ({ nodes: [event] })));
}

/** The first one is the root; a later one hangs under it. `main` moves to either. */
function writePrompt<S>(tree: Beginning<S>, parentId: string | null): void {
  const { group, writer, file, systemPrompt } = tree;
  const id = tree.newId();
  group.now(() => {
    const node = { id, parentId, role: "system", content: systemPrompt } as const;
    writer.apply(() => ({ nodes: [node], refs: { [MAIN]: id } }));
    file.setMeta(PROMPT, id);
  });
}

function newestPrompt<S>({ journal, file }: Beginning<S>): string | undefined {
  return journal.get(file.meta(PROMPT) ?? "")?.content;
}

function rootOf<S>({ journal }: Beginning<S>): string | undefined {
  return journal.after(0, 1)[0]?.id;
}
