// What a task waits for: the ids that it depends on, how many of them are not done yet, and no way that leads in a circle.
import type { Database } from "bun:sqlite";
import { refused } from "#core/http.js";

/** How many links one check for circles follows. */
const LINKS_FOLLOWED_MAX = 20_000;

/** Throws when a way of dependencies leads from one of `keys` back to `id`. */
export function refuseCircle(db: Database, id: string, keys: readonly string[]): void {
  if (!keys.includes(id) && !isNeeded(db, id)) return;
  /** From each task that was reached to the one that depends on it. */
  const reachedFrom = new Map<string, string>();
  let links = keys.map((key): Link => [id, key]);
  for (let followed = links.length; links.length > 0; followed += links.length) {
    if (followed > LINKS_FOLLOWED_MAX)
      throw refused(`dependencies lead to more than ${LINKS_FOLLOWED_MAX} others`);
    const fresh = new Map(links.filter(([, key]) => !reachedFrom.has(key)).map(([from, key]) => [key, from]));
    for (const [key, from] of fresh) reachedFrom.set(key, from);
    if (reachedFrom.has(id)) throw refused(`dependency cycle: ${circle(id, reachedFrom).join(" -> ")}`);
    links = [...fresh.keys()].flatMap((key) => keysBelow(db, key).map((below): Link => [key, below]));
  }
}

type Link = [from: string, to: string];

/** `A, B, A`, in the direction of the dependencies. */
function circle(id: string, reachedFrom: ReadonlyMap<string, string>): string[] {
  const way = [id];
  for (let at = reachedFrom.get(id); at !== undefined && at !== id; at = reachedFrom.get(at)) way.unshift(at);
  return [id, ...way];
}

function isNeeded(db: Database, id: string): boolean {
  const sql = "SELECT 1 FROM task_deps WHERE dependency = ? LIMIT 1";
  return db.query<object, [string]>(sql).get(id) !== null;
}

function keysBelow(db: Database, id: string): string[] {
  const sql = "SELECT dependency FROM task_deps WHERE dependent = ?";
  return db
    .query<{ dependency: string }, [string]>(sql)
    .all(id)
    .map(({ dependency }) => dependency);
}

/** Replaces what `id` depends on, and counts what it waits for. */
export function setDependencies(db: Database, id: string, keys: readonly string[]): void {
  removeDependencies(db, id);
  const insert = db.query("INSERT INTO task_deps VALUES (?, ?)");
  for (const key of keys) insert.run(id, key);
  db.query(
    `UPDATE tasks SET blockers = (
       SELECT count(*) FROM task_deps CROSS JOIN tasks AS needed ON needed.id = dependency
       WHERE dependent = ?1 AND needed.status <> 'done'
     ) WHERE id = ?1`,
  ).run(id);
}

export function removeDependencies(db: Database, id: string): void {
  db.query("DELETE FROM task_deps WHERE dependent = ?").run(id);
}

/** Tells those that depend on `id` that there is one more, or one less, that they wait for. */
export function countBlocker(db: Database, id: string, change: 1 | -1): void {
  db.query(
    "UPDATE tasks SET blockers = blockers + ? WHERE id IN (SELECT dependent FROM task_deps WHERE dependency = ?)",
  ).run(change, id);
}
