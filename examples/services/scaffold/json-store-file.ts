// `store.ts` of a new service that keeps its data in a JSON file: all of it in memory, written a moment after a change.
import type { Plan } from "./plan.js";
import { literal, spread } from "./source.js";

export function jsonStoreFile({ name, pascal }: Plan): string {
  const parameters = [`filePath = ${literal(`data/${name}.json`)}`, "host: Host = ALONE"];
  return `// The items of ${name}: in memory, and in a JSON file a moment after each change.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, ReefError } from "#core/errors.js";

/** What was changed within this time before a crash is lost. Data that must not be belongs into SQLite. */
const SAVE_AFTER_MS = 100;
/** All of them are in memory, and each save writes all of them. */
const ITEMS_MAX = 10_000;

export interface Item {
  id: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt?: string;
  [field: string]: unknown;
}

/** The context of a service is one: its timers end with the service. */
interface Host {
  setTimeout(work: () => void, ms: number): unknown;
  log: Pick<Console, "warn">;
}

const ALONE: Host = { setTimeout: (work, ms) => setTimeout(work, ms), log: console };

export class ${pascal}Store {
  readonly #filePath: string;
  readonly #host: Host;
  readonly #items: Map<string, Item>;
  #isChanged = false;
  #isScheduled = false;

${spread("constructor", parameters, " {", 2)}
    this.#filePath = filePath;
    this.#host = host;
    this.#items = new Map(this.#load().map((item) => [item.id, item]));
  }

  add(fields: object): Item {
    if (this.#items.size >= ITEMS_MAX)
      throw new ReefError("insufficient_storage", \`more than \${ITEMS_MAX} items\`);
    return this.#keep({ ...fields, id: crypto.randomUUID(), createdAt: new Date().toISOString() });
  }

  /** The newest first. */
  list(limit: number): Item[] {
    return [...this.#items.values()].slice(-limit).reverse();
  }

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  change(id: string, fields: object): Item | undefined {
    const item = this.#items.get(id);
    if (!item) return undefined;
    const { createdAt } = item;
    return this.#keep({ ...item, ...fields, id, createdAt, updatedAt: new Date().toISOString() });
  }

  remove(id: string): boolean {
    const isRemoved = this.#items.delete(id);
    if (isRemoved) this.#scheduleSave();
    return isRemoved;
  }

  clear(): void {
    this.#items.clear();
    this.#scheduleSave();
  }

  /** reef calls it before a new version of the service reads the file, and when the service ends. */
  flush(): void {
    if (!this.#isChanged) return;
    const next = \`\${this.#filePath}.next\`;
    mkdirSync(dirname(this.#filePath), { recursive: true });
    writeFileSync(next, JSON.stringify({ items: [...this.#items.values()] }, null, 2));
    renameSync(next, this.#filePath);
    this.#isChanged = false;
  }

  #keep(item: Item): Item {
    this.#items.set(item.id, item);
    this.#scheduleSave();
    return item;
  }

  #scheduleSave(): void {
    this.#isChanged = true;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.setTimeout(() => this.#save(), SAVE_AFTER_MS);
  }

  /** What could not be written is tried again with the next change, and when the service ends. */
  #save(): void {
    this.#isScheduled = false;
    try {
      this.flush();
    } catch (error) {
      this.#host.log.warn(\`\${this.#filePath} was not written: \${messageOf(error)}\`);
    }
  }

  /** A file that cannot be read is put aside: to begin without it would mean to overwrite it. */
  #load(): Item[] {
    if (!existsSync(this.#filePath)) return [];
    try {
      return itemsIn(readFileSync(this.#filePath, "utf8"));
    } catch (error) {
      const aside = \`\${this.#filePath}.unreadable-\${Date.now()}\`;
      renameSync(this.#filePath, aside);
      this.#host.log.warn(\`\${aside} could not be read: \${messageOf(error)}\`);
      return [];
    }
  }
}

function itemsIn(text: string): Item[] {
  const { items } = JSON.parse(text);
  if (Array.isArray(items) && items.every(isItem)) return items;
  throw new Error("expected a list of items, each with an id and the time of its making");
}

function isItem(value: unknown): value is Item {
  if (typeof value !== "object" || value === null) return false;
  return "id" in value && typeof value.id === "string" && "createdAt" in value;
}
`;
}
