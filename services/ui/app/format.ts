// Pure: how times, sizes and money are written.

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];
/** Clocks of two machines differ by a moment; a time ahead is now. */
const NOW_MS = 2_000;

/** Made when it is needed, and once: making the first one takes longer than anything else that a view does. */
const exactFormat = dateFormat({ dateStyle: "medium", timeStyle: "long" });
const timeFormat = dateFormat({ hour: "2-digit", minute: "2-digit" });
const dayFormat = dateFormat({ month: "short", day: "numeric" });

/** `350 ms`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const [size, unit] = UNITS.find(([one]) => seconds >= one) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function ago(at: number, now: number): string {
  return now - at < NOW_MS ? "now" : `${duration(now - at)} ago`;
}

/** For a column of them. */
export function age(at: number, now: number): string {
  return now - at < NOW_MS ? "now" : duration(now - at);
}

/** With the zone of whoever looks. */
export function exact(at: number): string {
  return exactFormat().format(at);
}

/** The time alone, on another day with its date. */
export function clock(at: number, now: number): string {
  const day = new Date(at);
  const time = timeFormat().format(day);
  if (day.toDateString() === new Date(now).toDateString()) return time;
  return `${dayFormat().format(day)} ${time}`;
}

/** Undefined when the price is not known: tokens are shown then, never a cost of 0. */
export function money(dollars: number): string | undefined {
  if (!(dollars > 0)) return undefined;
  if (dollars < 0.0001) return "<$0.0001";
  return dollars < 0.01 ? `$${dollars.toFixed(4)}` : `$${dollars.toFixed(2)}`;
}

export function count(n: number): string {
  if (n < 10_000) return String(n);
  return n < 999_500 ? `${Math.round(n / 1000)}k` : `${(n / 1_000_000).toFixed(1)}M`;
}

/** What a run cost: money where the price is known, tokens otherwise. */
export function spend(usage: { cost: number; totalTokens: number }): string {
  return money(usage.cost) ?? `${count(usage.totalTokens)} tokens`;
}

/** The same in full: tokens, and what they cost where the price is known. */
export function bill(usage: { cost: number; totalTokens: number }): string {
  const tokens = `${count(usage.totalTokens)} tokens`;
  const cost = money(usage.cost);
  return cost === undefined ? tokens : `${tokens} · ${cost}`;
}

/** Answers of the bundled model must not be taken for those of a real one. */
export function modelName(model: string): string {
  return model.includes("scripted") ? "offline model (scripted)" : model;
}

/** The first line that says something. */
export function firstLine(text: string, max = 200): string {
  const [line = ""] = /\S.*/.exec(text) ?? [];
  const told = line.trim();
  return told.length > max ? `${told.slice(0, max)}…` : told;
}

function dateFormat(options: Intl.DateTimeFormatOptions): () => Intl.DateTimeFormat {
  let made: Intl.DateTimeFormat | undefined;
  return () => {
    made ??= new Intl.DateTimeFormat(undefined, options);
    return made;
  };
}
