// Phrases that several answers share. Whoever meets them has to see that no model is behind them.
import type { CallResult } from "./script.js";

/** Closes every answer that is prose. */
export const SIGNATURE = "— offline model (scripted)";

/** Characters of a user's text that an answer repeats. */
const QUOTED_MAX = 1000;

export function signed(text: string): string {
  return `${text}\n\n${SIGNATURE}`;
}

export function quoted(text: string): string {
  const shown = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
  return `You said: "${shown}"`;
}

export function paragraphs(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

/** What became of a call, as a sentence about `subject`: `` `echo one` printed: one ``. */
export function outcome(subject: string, { text, isError }: CallResult, verb = "printed"): string {
  if (isError) return `${subject} failed:${shown(text || "no reason was given")}`;
  return text === "" || text === "(no output)"
    ? `${subject} ${verb} nothing.`
    : `${subject} ${verb}:${shown(text)}`;
}

/** A list with a dash for each item, also where items have several lines. */
export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item.replace(/\n(?=.)/g, "\n  ")}`).join("\n");
}

/** Text of several lines stands by itself, so that it keeps its shape. */
function shown(text: string): string {
  return text.includes("\n") ? `\n\n\`\`\`\n${text}\n\`\`\`` : ` ${text}`;
}
