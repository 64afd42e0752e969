// `store.ts` of a new service that keeps its data in SQLite: what it has answered is on disk.
import type { Plan } from "./plan.js";

export function sqliteStoreFile({ name, pascal }: Plan): string {
  return `// The items of ${name}, in the SQLite file of the service: a change is on disk when its promise resolves.
import { ulid } from "#core/http.js";
import { openStorage, type Storage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";

// Only ever add to this list: each entry runs once, in order.
const MIGRATIONS = ["CREATE TABLE items (id TEXT PRIMARY KEY, item TEXT NOT NULL) STRICT, WITHOUT ROWID"];

export interface Item {
  id: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt?: string;
  [field: string]: unknown;
}

interface Row {
  item: string;
}

interface Newest {
  id: string | null;
}

export class ${pascal}Store {
  readonly #storage: Storage;
  readonly #nextId: () => string;

  constructor(ctx: ServiceContext) {
    this.#storage = openStorage(ctx, { migrations: MIGRATIONS });
    const newest = this.#storage.read.query<Newest, []>("SELECT max(id) AS id FROM items").get();
    this.#nextId = ulid({ after: newest?.id ?? "" });
  }

  add(fields: object): Promise<Item> {
    return this.#storage.write((db) => {
      const item = { ...fields, id: this.#nextId(), createdAt: new Date().toISOString() };
      db.query("INSERT INTO items (id, item) VALUES (?, ?)").run(item.id, JSON.stringify(item));
      return item;
    });
  }

  /** The newest first. */
  list(limit: number): Item[] {
    const rows = this.#storage.read.query<Row, [number]>("SELECT item FROM items ORDER BY id DESC LIMIT ?");
    return rows.all(limit).map(itemOf);
  }

  get(id: string): Item | undefined {
    const row = this.#storage.read.query<Row, [string]>("SELECT item FROM items WHERE id = ?").get(id);
    return row ? itemOf(row) : undefined;
  }

  change(id: string, fields: object): Promise<Item | undefined> {
    return this.#storage.write((db) => {
      const row = db.query<Row, [string]>("SELECT item FROM items WHERE id = ?").get(id);
      if (!row) return undefined;
      const item = itemOf(row);
      const { createdAt } = item;
      const changed = { ...item, ...fields, id, createdAt, updatedAt: new Date().toISOString() };
      db.query("UPDATE items SET item = ? WHERE id = ?").run(JSON.stringify(changed), id);
      return changed;
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#storage.write((db) => db.query("DELETE FROM items WHERE id = ?").run(id).changes > 0);
  }

  async clear(): Promise<void> {
    await this.#storage.write((db) => db.run("DELETE FROM items"));
  }
}

function itemOf({ item }: Row): Item {
  return JSON.parse(item);
}
`;
}
