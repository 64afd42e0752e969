// What an entry of the journal is: as a caller says it, as JSON, and as a line of plain text.
import {
  indented,
  isoTime,
  LIMITS,
  optional,
  plainLine,
  type Read,
  text,
  tidyTexts,
  timeOf,
} from "#core/http.js";

export const ENTRY = {
  text: text(LIMITS.entryCharsMax),
  author: optional(text(LIMITS.nameCharsMax)),
  mood: optional(text(LIMITS.nameCharsMax)),
  tags: optional(tidyTexts(LIMITS.tagsMax, LIMITS.tagCharsMax)),
};

export type EntryInput = Pick<Read<typeof ENTRY>, "text"> & Partial<Read<typeof ENTRY>>;

export interface Entry extends EntryInput {
  id: string;
  /** ISO 8601. */
  timestamp: string;
}

export function entryOf(id: string, { text, author, mood, tags }: EntryInput): Entry {
  const entry: Entry = { id, timestamp: isoTime(timeOf(id)), text };
  if (author !== undefined) entry.author = author;
  if (mood !== undefined) entry.mood = mood;
  if (tags !== undefined) entry.tags = tags;
  return entry;
}

/** `[<timestamp>] (author) [mood] #tag1 #tag2 text`: each `[` in the first column is an entry. */
export function lineOf({ timestamp, text, author, mood, tags = [] }: Entry): string {
  return [
    `[${timestamp}]`,
    ...(author === undefined ? [] : [`(${plainLine(author)})`]),
    ...(mood === undefined ? [] : [`[${plainLine(mood)}]`]),
    ...tags.map((tag) => `#${plainLine(tag)}`),
    indented(text),
  ].join(" ");
}
