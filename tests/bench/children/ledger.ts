// A ledger of any size: sessions of some agents and models over some weeks, each of a task of its own, as a fleet has
// them. They are made in SQL, with the sums that the ledger would have kept.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import usage from "../../../examples/services/usage/index.js";
import { createServer } from "../../../src/core/server.js";
import { answer } from "../child.js";

const AGENTS = 50;
const MODELS = 5;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Of which the last 7 are what is asked for. */
const DAYS = 28;

const SESSIONS = `
  WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $sessions),
  times AS (SELECT n, $from + n * $everyMs AS started_at, $from + n * $everyMs + 60000 * (n % 30) AS ended_at FROM numbers),
  made AS (SELECT *, format('01%024d', n) AS id, format('agent-%d', n % ${AGENTS}) AS agent,
    format('model-%d', n % ${MODELS}) AS model, format('task-%d', n) AS task_id, 1000000 * (n % 997) AS cost FROM times)
  INSERT INTO sessions (id, session_id, agent, model, task_id, started_at, ended_at, width, tokens, cost, json)
  SELECT id, task_id, agent, model, task_id, started_at, ended_at, 21, 11000, cost, $json FROM made`;

/** As long as a session's. */
const JSON_CHARS = 550;

const SUMS = `sum(tokens) / 1000000000, sum(tokens) % 1000000000, sum(cost) / 1000000000, sum(cost) % 1000000000, count(*)`;

answer({
  /** Resolves when a DATA_DIR has the ledger of so many sessions. */
  async fill({ dir, sessions }: { dir: string; sessions: number }): Promise<void> {
    const server = await createServer({ modules: [usage], config: { dataDir: dir } });
    await server.close();
    const db = new Database(join(dir, "usage.sqlite"), { strict: true });
    db.run("PRAGMA cache_size = -200000");
    db.transaction(() => {
      // Made at the end, which takes a tenth of the time.
      const indexes = db
        .query<{ name: string; sql: string }, []>(
          "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''",
        )
        .all();
      for (const { name } of indexes) db.run(`DROP INDEX ${name}`);
      const from = Date.now() - DAYS * DAY_MS;
      db.query(SESSIONS).run({
        sessions,
        from,
        everyMs: Math.floor((DAYS * DAY_MS) / sessions),
        json: JSON.stringify({ text: "x".repeat(JSON_CHARS) }),
      });
      for (const [kind, name] of [
        ["all", "''"],
        ["agent", "agent"],
        ["model", "model"],
        ["task", "task_id"],
      ]) {
        db.run(
          `INSERT INTO hours SELECT '${kind}', ${name}, ended_at / ${HOUR_MS}, ${SUMS} FROM sessions GROUP BY 2, 3`,
        );
        db.run(
          `INSERT INTO names SELECT '${kind}', ${name}, min(ended_at), max(ended_at) / ${DAY_MS}, ${SUMS} FROM sessions GROUP BY 2`,
        );
      }
      for (const { sql } of indexes) db.run(sql);
    })();
    db.close();
  },
});
