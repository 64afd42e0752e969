// The journal's file: entries are added and read, and each is told to the bus and the tree after its commit.
import type { Database } from "bun:sqlite";
import {
  countRows,
  follow,
  type Listing,
  lastIdAt,
  plainLine,
  type Range,
  type TextPage,
  ulid,
} from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { type Entry, type EntryInput, entryOf } from "./entry.js";

const DAY_MS = 86_400_000;
const TREE_TEXT_CHARS_MAX = 120;

const MIGRATIONS = [
  `CREATE TABLE entries (
     id TEXT NOT NULL UNIQUE,
     author_key TEXT,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX entries_by_author ON entries (author_key, id) WHERE author_key IS NOT NULL;
   CREATE TABLE tags (
     tag_key TEXT NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (tag_key, id)
   ) STRICT, WITHOUT ROWID;`,
];

export interface Filter {
  author?: string | undefined;
  tag?: string | undefined;
}

export interface Journal {
  /** Resolves when it is on disk. */
  write(input: EntryInput): Promise<Entry>;
  list(range: Range, query: Filter & { toText(json: string): string }): TextPage;
  countLastDay(): number;
}

interface Row {
  id: string;
  json: string;
}

export function openJournal(ctx: ServiceContext, { now = Date.now }: { now?: () => number } = {}): Journal {
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const newest = storage.read.query<{ id: string | null }, []>("SELECT max(id) AS id FROM entries").get();
  const nextId = ulid({ after: newest?.id ?? "", now });

  return {
    async write(input) {
      const entry = await storage.write((db) => insert(db, entryOf(nextId(), input)));
      ctx.events.fire("journal:entry", { entry });
      ctx.events.fire("reef:event", treeEvent(entry));
      return entry;
    },
    list: (range, { toText, ...filter }) =>
      follow<Row>(storage.read, listing(filter), { range, toText: ({ json }) => toText(json) }),
    countLastDay: () =>
      countRows(storage.read, {
        columns: "id",
        from: "entries",
        where: [["id > ?", lastIdAt(now() - DAY_MS)]],
      }),
  };
}

function insert(db: Database, entry: Entry): Entry {
  const { id, author, tags = [] } = entry;
  const authorKey = author === undefined ? null : keyOf(author);
  db.query("INSERT INTO entries (id, author_key, json) VALUES (?, ?, ?)").run(
    id,
    authorKey,
    JSON.stringify(entry),
  );
  for (const tag of new Set(tags.map(keyOf))) db.query("INSERT INTO tags VALUES (?, ?)").run(tag, id);
  return entry;
}

/** With a tag, the list is read from that tag's entries. */
function listing({ author, tag }: Filter): Listing {
  return {
    columns: "id, json",
    from: tag === undefined ? "entries" : "tags JOIN entries USING (id)",
    where: [
      ["author_key = ?", author && keyOf(author)],
      ["tag_key = ?", tag && keyOf(tag)],
    ],
  };
}

/** Equal for names that differ in case only. */
function keyOf(name: string): string {
  return name.trim().normalize("NFC").toLowerCase();
}

function treeEvent({ id, author, text }: Entry): Record<string, unknown> {
  const line = plainLine(text, TREE_TEXT_CHARS_MAX);
  const content = author === undefined ? line : plainLine(`${author}: ${line}`);
  return { type: "journal_entry", source: "journal", content, entryId: id };
}
