// The store as agents use it. Keys are sent encoded, so any text that a URL can carry is a key; texts are for a model:
// plain, short, and on failure with the next useful step.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import type { FleetClient } from "#core/types.js";

const TEXT_CHARS_MAX = 8000;
const MORE_KEYS = "… more; use prefix";

interface StoredEntry {
  key: string;
  value: unknown;
  version: number;
  expiresAt?: number;
}

interface KeyPage {
  keys: { key: string }[];
  count: number;
  nextCursor?: string;
}

type Answer = ReturnType<FleetClient["ok"]>;

const KEY = Type.String({ description: "Any text of 1 to 512 bytes, such as notes/today" });

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "reef_store_get",
    label: "Store: get",
    description:
      "Reads the value that is stored under a key. The store is shared by all agents of this reef and outlives tasks.",
    ...READ_ONLY,
    parameters: Type.Object({ key: KEY }),
    execute: (_id, { key }) => answer(client, () => get(client, key)),
  });
  pi.registerTool({
    name: "reef_store_put",
    label: "Store: put",
    description:
      "Stores a value under a key, replacing what was there. Use it for what other agents or later tasks should find again.",
    parameters: Type.Object({
      key: KEY,
      value: Type.Unknown({ description: "Any JSON, up to 1 MiB" }),
      ttl: Type.Optional(
        Type.Number({ description: "Seconds after which the key is gone; without it, it stays" }),
      ),
    }),
    execute: (_id, { key, ...body }) => answer(client, () => put(client, key, body)),
  });
  pi.registerTool({
    name: "reef_store_list",
    label: "Store: list",
    description: "Lists the keys of the store, one per line.",
    ...READ_ONLY,
    parameters: Type.Object({
      prefix: Type.Optional(Type.String({ description: "Only keys that begin with this" })),
      limit: Type.Optional(
        Type.Integer({ minimum: 1, description: "At most so many keys (1000 is the most)" }),
      ),
    }),
    execute: (_id, query) => answer(client, () => list(client, query)),
  });
}

async function get(client: FleetClient, key: string): Promise<Answer> {
  try {
    const entry = await client.api<StoredEntry>("GET", pathOf(key));
    const { value } = entry;
    return client.ok(cut(typeof value === "string" ? value : JSON.stringify(value)), entry);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return client.ok(cut(`Key "${key}" not found.`), { key });
  }
}

async function put(
  client: FleetClient,
  key: string,
  body: { value: unknown; ttl?: number },
): Promise<Answer> {
  const { value: _, ...entry } = await client.api<StoredEntry>("PUT", pathOf(key), body);
  const expires = entry.expiresAt === undefined ? "" : `, expires ${new Date(entry.expiresAt).toISOString()}`;
  return client.ok(`Stored "${key}" (version ${entry.version})${expires}.`, entry);
}

async function list(client: FleetClient, query: { prefix?: string; limit?: number }): Promise<Answer> {
  const { prefix = "", limit } = query;
  const size = limit === undefined ? "" : `&limit=${limit}`;
  const page = await client.api<KeyPage>("GET", `/store?prefix=${encodeURIComponent(prefix)}${size}`);
  return client.ok(linesOf(page), page);
}

/** One key per line, as many whole lines as fit. A key that would break its line is shown as JSON. */
function linesOf({ keys, nextCursor }: KeyPage): string {
  if (keys.length === 0) return "No keys.";
  const lines: string[] = [];
  let room = TEXT_CHARS_MAX - MORE_KEYS.length;
  for (const { key } of keys) {
    const line = /\p{Cc}/u.test(key) ? JSON.stringify(key) : key;
    room -= line.length + 1;
    if (room < 0) break;
    lines.push(line);
  }
  const complete = lines.length === keys.length && nextCursor === undefined;
  return complete ? lines.join("\n") : [...lines, MORE_KEYS].join("\n");
}

function pathOf(key: string): string {
  // A URL parser takes "." and ".." as steps within the path, encoded or not, so they would name the whole store.
  if (key === "" || key === "." || key === ".." || !key.isWellFormed()) {
    throw new Error(`${JSON.stringify(key)} cannot be a key`);
  }
  return `/store/${encodeURIComponent(key)}`;
}

async function answer(client: FleetClient, work: () => Promise<Answer>): Promise<Answer> {
  if (!client.getBaseUrl()) return client.noUrl();
  try {
    return await work();
  } catch (error) {
    return client.err(
      cut(`${messageOf(error)}. ${nextStep(statusOf(error))}`, TEXT_CHARS_MAX - "Error: ".length),
    );
  }
}

function nextStep(status: number | undefined): string {
  if (status === 403) return "This task may not write to the store: put the value into your reply instead.";
  if (status === 413) return "Split the value over several keys.";
  if (status === 507) return "Give values a ttl, or delete keys that nobody needs (DELETE /store/<key>).";
  if (status === undefined || status === 400) return "Correct the key or the value and try again.";
  return "Try again in a few seconds; reef_store_list shows whether the store answers.";
}

/** The text of the error field alone: the path in the message may be as long as the key that was given. */
function messageOf(error: unknown): string {
  const text = error instanceof Error && "error" in error ? String(error.error) : String(error);
  return text.replace(/^Error: /, "").replace(/\.$/, "");
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "status" in error && typeof error.status === "number"
    ? error.status
    : undefined;
}

function cut(text: string, charsMax = TEXT_CHARS_MAX): string {
  if (text.length <= charsMax) return text;
  const kept = charsMax - `… (${text.length} more characters)`.length;
  return `${text.slice(0, kept)}… (${text.length - kept} more characters)`;
}
