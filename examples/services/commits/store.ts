// The ledger: entries of snapshots, kept, found and removed, each told of after its commit.
import { ReefError } from "#core/errors.js";
import { type Browse, browse, countRows, plainLine, type TextPage, ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { type Commit, type CommitInput, commitOf } from "./commit.js";
import {
  deleteCommit,
  type Filter,
  findByCommitId,
  findCommit,
  insertCommit,
  listing,
  MIGRATIONS,
  newestId,
} from "./rows.js";

export interface Ledger {
  /**
   * Resolves when it is on disk. A commit that is recorded already rejects `conflict`, unless it is to be replaced: then
   * the entry keeps its id and its timestamp.
   */
  record(input: CommitInput, options?: { isReplacing?: boolean }): Promise<Commit>;
  /** By the commit's id, else by the entry's. Throws `not_found`. */
  read(key: string): Commit;
  /** Newest first. With `since` the page holds the oldest from then on, and its cursor leads to newer ones. */
  list(page: Browse<Filter>): TextPage;
  /** Rejects `not_found`. */
  remove(key: string): Promise<void>;
  count(): number;
}

interface Row {
  id: string;
  json: string;
}

export function openLedger(ctx: ServiceContext, { now = Date.now }: { now?: () => number } = {}): Ledger {
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const { read } = storage;
  const nextId = ulid({ after: newestId(read), now });

  return {
    async record(input, { isReplacing = false } = {}) {
      const commit = await storage.write((db) => {
        const before = findByCommitId(db, input.commitId);
        if (before && !isReplacing) throw new ReefError("conflict", "commit already recorded");
        if (before) deleteCommit(db, before);
        const commit = commitOf(before?.id ?? nextId(), input);
        insertCommit(db, commit);
        return commit;
      });
      ctx.events.fire("commits:recorded", { commit });
      ctx.events.fire("reef:event", treeEvent(commit));
      return commit;
    },
    read: (key) => known(findCommit(read, key)),
    list(page) {
      const isForward = page.filters.since !== undefined;
      const list = { ...listing(page.filters), order: ["id"], isDescending: !isForward };
      const found = browse<Row>(read, list, { page, toText: ({ json }) => json });
      return isForward ? { ...found, texts: found.texts.toReversed() } : found;
    },
    async remove(key) {
      const commit = await storage.write((db) => {
        const commit = known(findCommit(db, key));
        deleteCommit(db, commit);
        return commit;
      });
      ctx.events.fire("commits:deleted", { commit });
    },
    count: () => countRows(read, listing({ tag: [] })),
  };
}

function known(commit: Commit | undefined): Commit {
  if (commit) return commit;
  throw new ReefError("not_found", "Commit not found");
}

/** It names the commit, so that a node can be tied to the state that its machine had. */
function treeEvent({ id, commitId, vmId, label }: Commit): Record<string, unknown> {
  const content = plainLine(`${label ?? commitId} of ${vmId}`);
  return { type: "commits_recorded", source: "commits", content, commitId, vmId, entryId: id };
}
