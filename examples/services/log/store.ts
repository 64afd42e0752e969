// The log's file: entries are added and read, and each is told to the bus and the tree after its commit.
import { countRows, follow, lastIdAt, plainLine, type Range, type TextPage, ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { type Entry, type EntryInput, entryOf } from "./entry.js";

const DAY_MS = 86_400_000;

const MIGRATIONS = [
  `CREATE TABLE entries (
     id TEXT NOT NULL UNIQUE,
     agent TEXT,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX entries_by_agent ON entries (agent, id) WHERE agent IS NOT NULL;`,
];

export interface WorkLog {
  /** Resolves when it is on disk. */
  append(input: EntryInput): Promise<Entry>;
  /** `toText` makes of an entry what the page holds of it. */
  list(range: Range, query: { agent?: string | undefined; toText(entry: Entry): string }): TextPage;
  countLastDay(): number;
}

interface Row {
  id: string;
  agent: string | null;
  text: string;
}

export function openLog(ctx: ServiceContext, { now = Date.now }: { now?: () => number } = {}): WorkLog {
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const newest = storage.read.query<{ id: string | null }, []>("SELECT max(id) AS id FROM entries").get();
  const nextId = ulid({ after: newest?.id ?? "", now });

  return {
    async append(input) {
      const entry = await storage.write((db) => {
        const entry = entryOf(nextId(), input);
        const { id, agent, text } = entry;
        db.query("INSERT INTO entries (id, agent, text) VALUES (?, ?, ?)").run(id, agent ?? null, text);
        return entry;
      });
      ctx.events.fire("log:entry", { entry });
      ctx.events.fire("reef:event", treeEvent(entry));
      return entry;
    },
    list: (range, { agent, toText }) =>
      follow<Row>(
        storage.read,
        { columns: "id, agent, text", from: "entries", where: [["agent = ?", agent]] },
        { range, toText: (row) => toText(entryOf(row.id, row)) },
      ),
    countLastDay: () =>
      countRows(storage.read, {
        columns: "id",
        from: "entries",
        where: [["id > ?", lastIdAt(now() - DAY_MS)]],
      }),
  };
}

function treeEvent({ id, agent, text }: Entry): Record<string, unknown> {
  const content = plainLine(agent === undefined ? text : `${agent}: ${text}`);
  return { type: "log_entry", source: "log", content, entryId: id };
}
