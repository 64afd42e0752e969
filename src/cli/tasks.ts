// `reef tasks`: the tasks as a table, the newest last.
import { type Call, type Command, DONE, JSON_OPTION, UsageError } from "./command.js";
import type { Connection } from "./connection.js";
import { type ListedTask, taskTable } from "./task-lines.js";

const SHOWN_DEFAULT = 50;
const PAGE = 1000;
const PAGES_MAX = 1000;

export const tasks: Command = {
  name: "tasks",
  about: "list tasks, the newest last",
  positionals: "",
  takes: [0, 0],
  options: {
    status: {
      type: "string",
      value: "<status,…>",
      about: "only queued, running, waiting, done, error or cancelled",
    },
    limit: {
      type: "string",
      value: "<n>",
      about: `how many of the newest to show (default ${SHOWN_DEFAULT})`,
    },
    json: JSON_OPTION,
  },
  run,
};

async function run({ options, server, terminal: { out, err } }: Call): Promise<number> {
  const shown = options.integer("limit") ?? SHOWN_DEFAULT;
  if (shown < 1) throw new UsageError(`--limit must be at least 1. Received: "${shown}"`);
  const { newest, older } = await newestTasks(server, options.text("status"), shown);
  if (options.flag("json")) {
    out.write(`${JSON.stringify({ tasks: newest, count: newest.length }, null, 2)}\n`);
    return DONE;
  }
  if (newest.length === 0) err.write("No tasks.\n");
  else for (const line of taskTable(newest, Date.now(), out)) out.write(`${line}\n`);
  if (older > 0) err.write(`${err.paint("dim", `… and ${older} older (see --limit)`)}\n`);
  return DONE;
}

/** The server's list begins with the oldest, so the newest are at its end. */
async function newestTasks(server: Connection, status: string | undefined, shown: number) {
  let newest: ListedTask[] = [];
  let older = 0;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (status !== undefined) query.set("status", status);
    if (cursor !== undefined) query.set("cursor", cursor);
    const answer = await server.api<{ tasks: ListedTask[]; nextCursor?: string }>(
      "GET",
      `/reef/tasks?${query}`,
    );
    const seen = [...newest, ...answer.tasks];
    newest = seen.slice(-shown);
    older += seen.length - newest.length;
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return { newest, older };
}
