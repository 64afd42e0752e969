// The log as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { cut, jsonAnswer, listToolAnswer, type ToolAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { type Entry, lineOf } from "./entry.js";

/** A log is read as context, so more of it is given than of other lists. */
const TEXT_CHARS_MAX = 32_000;

interface Page {
  entries: Entry[];
  count: number;
  cursor: string | null;
  total: number;
}

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

const Query = Type.Object({
  since: Type.Optional(Type.String({ description: "From this time on, such as 2026-01-31T09:00:00Z" })),
  until: Type.Optional(Type.String({ description: "Up to this time" })),
  last: Type.Optional(
    Type.String({ description: "As far back as this, such as 30m, 12h, 7d; 24h by default" }),
  ),
  raw: Type.Optional(Type.Boolean({ description: "true: plain lines, oldest first, instead of JSON" })),
  limit: Type.Optional(Type.Integer({ minimum: 1, description: "At most so many entries" })),
});

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "log_append",
    label: "Log: append",
    description:
      "Writes an entry into the work log. Use it when something happened or was decided: what, why, and what comes next.",
    parameters: Type.Object({
      text: Type.String({ description: "What happened; entries cannot be changed later" }),
      agent: Type.Optional(Type.String({ description: "Who did it; you, when left out" })),
    }),
    execute: (_id, { text, agent = client.agentName }) =>
      toolAnswer(client, async () =>
        jsonAnswer(client, "entry", await client.api("POST", "/log", { text, agent })),
      ),
  });
  pi.registerTool({
    name: "log_query",
    label: "Log: query",
    description:
      "Reads the work log: the last 24 hours, or the time you name. Use it at the start of a session, to learn what was done and decided.",
    ...READ_ONLY,
    parameters: Query,
    execute: (_id, { raw = false, ...query }) => toolAnswer(client, () => answer(client, query, raw)),
  });
}

async function answer(
  client: FleetClient,
  query: Record<string, string | number | undefined>,
  raw: boolean,
): Promise<ToolAnswer> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams([
    ["total", "true"],
    ...given.map(([name, value]) => [name, String(value)]),
  ]);
  const page = await client.api<Page>("GET", `/log?${search}`);
  return raw ? rawAnswer(client, page) : listedAnswer(client, page);
}

function listedAnswer(client: FleetClient, { entries, total, cursor }: Page): ToolAnswer {
  return listToolAnswer(client, "result", {
    items: entries.reverse(),
    total,
    more: untilThen,
    details: (shown) => ({ entries: shown.toReversed(), count: shown.length, cursor }),
    charsMax: TEXT_CHARS_MAX,
  });
}

/** The newest entries that fit, oldest first, as one reads a log. */
function rawAnswer(client: FleetClient, { entries, total, cursor }: Page): ToolAnswer {
  const lines: string[] = [];
  let left = TEXT_CHARS_MAX - REST_CHARS_MAX;
  for (const entry of entries.toReversed()) {
    const line = lineOf(entry);
    left -= line.length + 1;
    if (left < 0 && lines.length > 0) break;
    lines.unshift(line);
  }
  const shown = entries.slice(entries.length - lines.length);
  const [oldest] = shown;
  const rest = oldest && total > shown.length ? `… ${total - shown.length} more: ${untilThen(oldest)}\n` : "";
  const text = lines.length === 0 ? "(no entries)" : lines.join("\n");
  const result = { entries: shown, count: shown.length, cursor };
  return client.ok(rest + cut(text, TEXT_CHARS_MAX - rest.length), { result });
}

function untilThen({ timestamp }: Entry): string {
  return `pass until: "${timestamp}"`;
}

/** For the line that says how many are left. */
const REST_CHARS_MAX = 100;
