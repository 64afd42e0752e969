// For tests: which SQL some work runs, and how SQLite carries it out.
import { Database } from "bun:sqlite";

export interface QueryPlan {
  sql: string;
  /** What EXPLAIN QUERY PLAN says, in one line. */
  plan: string;
}

/** The queries that `work` runs anywhere in this process, explained on the file at `path`. */
export async function queryPlans(path: string, work: () => unknown): Promise<QueryPlan[]> {
  const texts = await recorded(work);
  const db = new Database(path, { readonly: true });
  try {
    return texts.map((sql) => {
      const steps = db.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all();
      return { sql, plan: steps.map(({ detail }) => detail).join("; ") };
    });
  } finally {
    db.close();
  }
}

/** Those that read a table or an index from end to end although they want few rows, or that sort what they read. */
export function scansIn(plans: readonly QueryPlan[]): QueryPlan[] {
  return plans.filter(({ sql, plan }) => {
    const isBounded = /\bLIMIT\b/.test(sql);
    return (
      (isBounded ? /SCAN (?!CONSTANT)\w+(?! USING)/ : /SCAN (?!CONSTANT)\w+/).test(plan) ||
      /TEMP B-TREE/.test(plan)
    );
  });
}

async function recorded(work: () => unknown): Promise<string[]> {
  const texts = new Set<string>();
  const { query, prepare } = Database.prototype;
  const record = (original: typeof query): typeof query =>
    function (this: Database, sql: string) {
      if (/^\s*(SELECT|UPDATE|DELETE|WITH)\b/i.test(sql)) texts.add(sql);
      return original.call(this, sql);
    } as typeof query;
  Object.assign(Database.prototype, { query: record(query), prepare: record(prepare) });
  try {
    await work();
  } finally {
    Object.assign(Database.prototype, { query, prepare });
  }
  return [...texts];
}
