// What an entry of the log is: as a caller says it, as JSON, and as a line of plain text.
import { indented, isoTime, LIMITS, optional, plainLine, type Read, text, timeOf } from "#core/http.js";

export const ENTRY = {
  text: text(LIMITS.entryCharsMax),
  agent: optional(text(LIMITS.nameCharsMax)),
};

export type EntryInput = Read<typeof ENTRY>;

export interface Entry {
  id: string;
  /** ISO 8601. */
  timestamp: string;
  text: string;
  agent?: string;
}

export function entryOf(
  id: string,
  { text, agent }: { text: string; agent?: string | null | undefined },
): Entry {
  const entry: Entry = { id, timestamp: isoTime(timeOf(id)), text };
  if (agent != null) entry.agent = agent;
  return entry;
}

/** `[<timestamp>] (agent) text`: each `[` in the first column is an entry. */
export function lineOf({ timestamp, text, agent }: Entry): string {
  const by = agent === undefined ? "" : `(${plainLine(agent)}) `;
  return `[${timestamp}] ${by}${indented(text)}`;
}
