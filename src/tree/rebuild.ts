// Makes the states of all tasks again from the nodes alone.
import { Changes, type Projection, type Tables } from "./projection.js";
import type { Journal } from "./storage.js";

const NODES_PER_QUERY = 1000;
/** So many tasks are kept in memory before their rows are written. */
const TASKS_KEPT = 1000;

/** To be run inside a transaction. */
export function rebuildTasks<S>(journal: Journal, tables: Tables<S>, projection: Projection<S>): void {
  tables.clearTasks();
  let changes = new Changes(tables);
  let page = journal.after(0, NODES_PER_QUERY);
  for (; page.length > 0; page = journal.after(page.at(-1)?.seq ?? 0, NODES_PER_QUERY)) {
    for (const node of page) changes.fold(projection, node);
    if (changes.tasks.size < TASKS_KEPT) continue;
    tables.write(changes);
    changes = new Changes(tables);
  }
  tables.write(changes);
}
