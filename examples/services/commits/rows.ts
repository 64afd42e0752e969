// The rows of the ledger: SQL and what it stands for. Each entry is kept as the very JSON text that goes out.
import type { Database } from "bun:sqlite";
import { asUlid, type Condition, type Listing, lastIdAt } from "#core/http.js";
import type { Commit } from "./commit.js";

export const MIGRATIONS = [
  `CREATE TABLE commits (
     id TEXT NOT NULL UNIQUE,
     commit_id TEXT NOT NULL UNIQUE,
     vm_id TEXT NOT NULL,
     agent TEXT,
     label TEXT,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX commits_by_vm ON commits (vm_id, id);
   CREATE INDEX commits_by_agent ON commits (agent, id) WHERE agent IS NOT NULL;
   CREATE INDEX commits_by_label ON commits (label, id) WHERE label IS NOT NULL;
   CREATE TABLE commit_tags (
     tag TEXT NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (tag, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     newest TEXT NOT NULL
   ) STRICT;
   INSERT INTO state VALUES (1, '');`,
];

export interface Filter {
  /** All of them. */
  tag: readonly string[];
  agent?: string | undefined;
  label?: string | undefined;
  vmId?: string | undefined;
  /** Epoch milliseconds, inclusive. */
  since?: number | undefined;
  /** An id: only older ones. */
  before?: string | undefined;
}

/** With tags, the list is read from the entries of the first one. */
export function listing({ tag, agent, label, vmId, since, before }: Filter): Listing {
  const [first, ...others] = new Set(tag);
  const from = first === undefined ? "commits" : "commit_tags JOIN commits USING (id)";
  const has = "EXISTS (SELECT 1 FROM commit_tags AS other WHERE other.tag = ? AND other.id = commits.id)";
  const where: Condition[] = [
    ["tag = ?", first],
    ...others.map((one): Condition => [has, one]),
    ["vm_id = ?", vmId],
    ["agent = ?", agent],
    ["label = ?", label],
    ["id > ?", since === undefined ? "" : lastIdAt(since - 1)],
    ["id < ?", before],
  ];
  return { columns: "id, json", from, where };
}

/** By the commit's own id, else by the entry's. */
export function findCommit(db: Database, key: string): Commit | undefined {
  return findByCommitId(db, key) ?? findBy(db, "id", asUlid(key));
}

export function findByCommitId(db: Database, commitId: string): Commit | undefined {
  return findBy(db, "commit_id", commitId);
}

export function insertCommit(db: Database, commit: Commit): void {
  const { id, commitId, vmId, agent = null, label = null, tags = [] } = commit;
  const json = JSON.stringify(commit);
  db.query("INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?)").run(id, commitId, vmId, agent, label, json);
  for (const tag of tags) db.query("INSERT INTO commit_tags VALUES (?, ?)").run(tag, id);
  db.query("UPDATE state SET newest = max(newest, ?) WHERE one = 1").run(id);
}

export function deleteCommit(db: Database, { id, tags = [] }: Commit): void {
  db.query("DELETE FROM commits WHERE id = ?").run(id);
  for (const tag of tags) db.query("DELETE FROM commit_tags WHERE tag = ? AND id = ?").run(tag, id);
}

/** The newest id that ever was, of what is gone too. */
export function newestId(db: Database): string {
  return db.query<{ newest: string }, []>("SELECT newest FROM state WHERE one = 1").get()?.newest ?? "";
}

function findBy(db: Database, column: "id" | "commit_id", value: string | undefined): Commit | undefined {
  if (value === undefined) return undefined;
  const sql = `SELECT json FROM commits WHERE ${column} = ?`;
  const row = db.query<{ json: string }, [string]>(sql).get(value);
  return row ? JSON.parse(row.json) : undefined;
}
