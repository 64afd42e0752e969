// What the services manager keeps on disk: the deploys that there were, and the probations that are under way.
import type { Database } from "bun:sqlite";
import { ulid } from "#core/http.js";
import type { Storage } from "#core/storage.js";
import type { Outcome } from "./deploy.js";

/** The oldest go first. */
const DEPLOYS_KEPT_MAX = 10_000;

/** As it is answered. */
export interface Deploy extends Outcome {
  id: string;
  /** Of the event that tells of it; null where no tree is mounted. */
  nodeId: string | null;
  /** ISO 8601 UTC: when it began. */
  at: string;
  by: string;
  rolledBackAt?: string;
  error?: string;
  code?: "bad_request";
}

/** A deployed version that goes back when it fails too often, with what it has been through. */
export interface Probation {
  name: string;
  dir: string;
  hash: string;
  deployId: string;
  /** Epoch milliseconds. */
  until: number;
  requests: number;
  failures: number;
  errors: string[];
}

interface AddedOf {
  /** The folder. */
  dir: string;
  operation?: string;
  probation?: Probation;
}

export interface DeployQuery {
  /** Of the module, or of its folder. */
  name?: string;
  /** The id after which the list goes on. */
  after?: string;
  limit: number;
}

export interface Ledger {
  newId(): string;
  /** In one write with the probation that begins, where one does. */
  add(deploy: Deploy, of: AddedOf): Promise<void>;
  get(id: string): Deploy | undefined;
  /** What was done under an Idempotency-Key. */
  doneUnder(operation: string): Deploy | undefined;
  /** Newest first. */
  list(query: DeployQuery): Deploy[];
  /** The newest deploy that put this content live. */
  deployOf(dir: string, hash: string): Deploy | undefined;
  rolledBack(id: string, at: string): Promise<void>;
  probations(): Probation[];
  saveProbation(probation: Probation): Promise<void>;
  endProbation(name: string): Promise<void>;
}

interface Row {
  body: string;
  rolled_back_at: string | null;
}

export function createLedger({ read, write }: Storage): Ledger {
  const newId = ulid({ after: newestId(read) });
  const rows = (where: string, ...values: (string | number)[]) =>
    read
      .query<Row, (string | number)[]>(`SELECT body, rolled_back_at FROM deploys WHERE ${where}`)
      .all(...values);
  return {
    newId,
    add: (deploy, of) =>
      write((db) => {
        insertDeploy(db, deploy, of);
        if (of.probation) upsertProbation(db, of.probation);
      }),
    get: (id) => rows("id = ?", id).map(deployIn)[0],
    doneUnder: (operation) => rows("operation = ?", operation).map(deployIn)[0],
    list({ name, after = LAST, limit }) {
      const newest = "id < ? ORDER BY id DESC LIMIT ?";
      if (name === undefined) return rows(newest, after, limit).map(deployIn);
      return rows(`(name = ? OR dir = ?) AND ${newest}`, name, name, after, limit).map(deployIn);
    },
    deployOf: (dir, hash) =>
      rows("dir = ? AND hash = ? AND deployed = 1 ORDER BY id DESC LIMIT 1", dir, hash).map(deployIn)[0],
    rolledBack: (id, at) =>
      write((db) => void db.query("UPDATE deploys SET rolled_back_at = ? WHERE id = ?").run(at, id)),
    probations: () =>
      read
        .query<{ body: string }, []>("SELECT body FROM probations")
        .all()
        .map(({ body }) => JSON.parse(body)),
    saveProbation: (probation) => write((db) => upsertProbation(db, probation)),
    endProbation: (name) => write((db) => void db.query("DELETE FROM probations WHERE name = ?").run(name)),
  };
}

/** Greater than every id. */
const LAST = "~";

function newestId(db: Database): string | undefined {
  return db.query<{ id: string }, []>("SELECT id FROM deploys ORDER BY id DESC LIMIT 1").get()?.id;
}

function deployIn({ body, rolled_back_at }: Row): Deploy {
  const deploy: Deploy = JSON.parse(body);
  return rolled_back_at === null ? deploy : { ...deploy, rolledBackAt: rolled_back_at };
}

function insertDeploy(db: Database, deploy: Deploy, { dir, operation }: AddedOf): void {
  const { id, name, hash, deployed } = deploy;
  db.query(
    "INSERT INTO deploys (id, name, dir, hash, deployed, operation, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
  ).run(id, name, dir, hash, Number(deployed), operation ?? null, JSON.stringify(deploy));
  db.query("DELETE FROM deploys WHERE id <= (SELECT id FROM deploys ORDER BY id DESC LIMIT 1 OFFSET ?)").run(
    DEPLOYS_KEPT_MAX,
  );
}

function upsertProbation(db: Database, probation: Probation): void {
  const sql = "INSERT OR REPLACE INTO probations (name, body) VALUES (?, ?)";
  db.query(sql).run(probation.name, JSON.stringify(probation));
}
