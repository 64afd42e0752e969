// Seeds: descriptions of services by content hash, which somebody registers and somebody later has tested. They live in
// the file of the services manager.
import type { Database } from "bun:sqlite";
import { type Static, Type } from "@sinclair/typebox";
import { ReefError } from "#core/errors.js";
import type { Storage } from "#core/storage.js";

const SEEDS_MAX = 10_000;
const TEST_RESULTS_BYTES_MAX = 65_536;

const ShortText = Type.String({ minLength: 1, maxLength: 200 });
const Capabilities = Type.Array(ShortText, { maxItems: 200 });

export const RegisterBody = Type.Object({
  contentHash: Type.String({ pattern: "^sha256:[A-Za-z0-9_-]{1,128}$" }),
  name: ShortText,
  versionLabel: Type.Optional(ShortText),
  method: Type.Optional(Type.Union([Type.Literal("germination"), Type.Literal("graft")])),
  requiredCapabilities: Type.Optional(Capabilities),
  optionalCapabilities: Type.Optional(Capabilities),
  sourceUrl: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
});

export const UpdateBody = Type.Object({
  conformance: Type.Optional(ShortText),
  testResults: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  lastVerified: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
});

type Update = Static<typeof UpdateBody>;

export interface Seed extends Static<typeof RegisterBody>, Update {
  requiredCapabilities: string[];
  optionalCapabilities: string[];
  registeredAt: string;
}

export interface Seeds {
  /** Rejects `conflict` when there is one of this hash. */
  register(seed: Static<typeof RegisterBody>): Promise<Seed>;
  /** Rejects `not_found`. */
  update(contentHash: string, changes: Update): Promise<Seed>;
  /** By content hash, or else by name. */
  find(named: string): Seed | undefined;
}

export function createSeeds({ read, write }: Storage, now = () => new Date()): Seeds {
  return {
    register: (given) =>
      write((db) => {
        const { contentHash } = given;
        if (seedOf(db, contentHash))
          throw new ReefError("conflict", `Seed ${contentHash} is already registered`);
        checkRoom(db);
        const lists = { requiredCapabilities: [], optionalCapabilities: [] };
        return save(db, { ...lists, ...given, registeredAt: now().toISOString() });
      }),
    async update(contentHash, changes) {
      checkUpdate(changes);
      return write((db) => {
        const seed = seedOf(db, contentHash);
        if (!seed) throw new ReefError("not_found", `Seed ${contentHash.slice(0, 200)} not found`);
        return save(db, { ...seed, ...changes });
      });
    },
    find: (named) => seedOf(read, named) ?? seedNamed(read, named),
  };
}

function checkUpdate(changes: Update): void {
  const { testResults, lastVerified } = changes;
  if (Object.keys(changes).length === 0)
    throw new ReefError("bad_request", "one of conformance, testResults, lastVerified is required");
  if (testResults && Buffer.byteLength(JSON.stringify(testResults)) > TEST_RESULTS_BYTES_MAX)
    throw new ReefError("bad_request", `testResults is larger than ${TEST_RESULTS_BYTES_MAX} bytes of JSON`);
  if (lastVerified !== undefined && Number.isNaN(Date.parse(lastVerified)))
    throw new ReefError(
      "bad_request",
      `lastVerified must be a time. Received: ${JSON.stringify(lastVerified)}`,
    );
}

function checkRoom(db: Database): void {
  const count = db.query<{ n: number }, []>("SELECT count(*) AS n FROM seeds").get()?.n ?? 0;
  if (count >= SEEDS_MAX) throw new ReefError("insufficient_storage", `more than ${SEEDS_MAX} seeds`);
}

function save(db: Database, seed: Seed): Seed {
  const sql = "INSERT OR REPLACE INTO seeds (content_hash, name, body) VALUES (?, ?, ?)";
  db.query(sql).run(seed.contentHash, seed.name, JSON.stringify(seed));
  return seed;
}

function seedOf(db: Database, contentHash: string): Seed | undefined {
  return seedWhere(db, "content_hash = ?", contentHash);
}

/** The one that was registered last. */
function seedNamed(db: Database, name: string): Seed | undefined {
  return seedWhere(db, "name = ? ORDER BY rowid DESC LIMIT 1", name);
}

function seedWhere(db: Database, where: string, value: string): Seed | undefined {
  const row = db.query<{ body: string }, [string]>(`SELECT body FROM seeds WHERE ${where}`).get(value);
  return row ? JSON.parse(row.body) : undefined;
}
