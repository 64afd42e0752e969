// Makes what pi says of itself small enough to be reported.

const BYTES_MAX = 64 * 1024;
const TEXT_CHARS_MAX = 1_000;
const ITEMS_MAX = 50;
const DEPTH_MAX = 12;
const DROPPED = { dropped: true };

/** The value as it is now when it is small; else with long texts and lists cut; else only a note that it is missing. */
export function fitting(value: unknown): unknown {
  try {
    const text = JSON.stringify(value) ?? "null";
    if (text.length <= BYTES_MAX) return JSON.parse(text);
    const cut = clipped(value, 0);
    return JSON.stringify(cut).length <= BYTES_MAX ? cut : DROPPED;
  } catch {
    // Not JSON. A payload must never stop the agent that it is about.
    return DROPPED;
  }
}

function clipped(value: unknown, depth: number): unknown {
  if (typeof value === "string")
    return value.length > TEXT_CHARS_MAX ? `${value.slice(0, TEXT_CHARS_MAX)}…` : value;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return null;
  // Of a list the newest entries say most: the messages of a loop end with its outcome.
  if (Array.isArray(value)) return value.slice(-ITEMS_MAX).map((item) => clipped(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clipped(item, depth + 1)]));
}
