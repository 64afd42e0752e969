// Keeps known secret values out of nodes, frames and log lines: where one stood, `[redacted:<NAME>]` stands instead.
// Only exact values are covered; of overlapping secrets the one that begins first, then the longest, counts.

/** Shorter values are ordinary words too often to be replaced. */
const SECRET_CHARS_MIN = 8;

export interface Redactor {
  /** Knows `value` from now on. Returns the undo; a value of fewer than 8 characters is ignored. */
  add(name: string, value: string): () => void;
  text(text: string): string;
  /** Plain JSON with every string in it redacted, keys included; the same object when there was nothing to do. */
  value<T>(value: T): T;
  /** For text that comes in pieces: a tail that could be the beginning of a secret is held back until it is decided. */
  stream(): { push(delta: string): string; end(): string };
}

interface Secrets {
  /** By value, longest first. */
  readonly names: ReadonlyMap<string, string>;
  readonly pattern: RegExp;
  readonly charsMax: number;
}

export function createRedactor(): Redactor {
  const known = new Map<symbol, { name: string; value: string }>();
  let secrets = compile([]);

  const text = (input: string) => redactText(input, secrets);
  return {
    add(name, value) {
      if (value.length < SECRET_CHARS_MIN) return () => {};
      const key = Symbol(name);
      known.set(key, { name, value });
      secrets = compile(known.values());
      return () => {
        if (known.delete(key)) secrets = compile(known.values());
      };
    },
    text,
    value: (value) => redactValue(value, text),
    stream() {
      let held = "";
      return {
        push(delta) {
          const all = held + delta;
          const decided = decidedChars(all, secrets);
          held = all.slice(decided);
          return text(all.slice(0, decided));
        },
        end() {
          const rest = text(held);
          held = "";
          return rest;
        },
      };
    },
  };
}

function compile(entries: Iterable<{ name: string; value: string }>): Secrets {
  const longestFirst = [...entries].sort((a, b) => b.value.length - a.value.length);
  const names = new Map(longestFirst.map(({ name, value }) => [value, name]));
  const pattern = new RegExp([...names.keys()].map((value) => RegExp.escape(value)).join("|") || "(?!)", "g");
  return { names, pattern, charsMax: longestFirst[0]?.value.length ?? 0 };
}

function redactText(text: string, secrets: Secrets): string {
  for (const value of secrets.names.keys()) {
    if (text.includes(value)) return text.replace(secrets.pattern, (found) => mark(found, secrets));
  }
  return text;
}

function mark(found: string, secrets: Secrets): string {
  return `[redacted:${secrets.names.get(found)}]`;
}

function redactValue<T>(value: T, text: (input: string) => string): T {
  if (typeof value === "string") return text(value) as T;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => redactValue(item, text));
    return items.some((item, i) => item !== value[i]) ? (items as T) : value;
  }
  const entries = Object.entries(value);
  const redacted = entries.map(([key, item]) => [text(key), redactValue(item, text)] as const);
  const changed = redacted.some(([key, item], i) => key !== entries[i]?.[0] || item !== entries[i]?.[1]);
  return changed ? (Object.fromEntries(redacted) as T) : value;
}

/** How many characters of `text` no later text can turn into a part of a secret. */
function decidedChars(text: string, secrets: Secrets): number {
  let from = 0;
  for (;;) {
    const open = undecidedFrom(text, from, secrets);
    secrets.pattern.lastIndex = from;
    const found = secrets.pattern.exec(text);
    secrets.pattern.lastIndex = 0;
    if (!found || open <= found.index) return open;
    from = found.index + found[0].length;
  }
}

/** Where the first tail of `text` begins that is the beginning of a secret, but not the whole of it. */
function undecidedFrom(text: string, from: number, secrets: Secrets): number {
  for (let i = Math.max(from, text.length - secrets.charsMax + 1); i < text.length; i++) {
    for (const value of secrets.names.keys()) {
      if (value.length > text.length - i && value.startsWith(text.slice(i))) return i;
    }
  }
  return text.length;
}
