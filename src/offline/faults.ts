// Failures on demand: the published table, the lines that ask for them, and how often each was given.

export interface FaultKind {
  /** As written after `fail: ` in a prompt. */
  name: string;
  /** What happens, for the README. */
  does: string;
  /** HTTP status before the stream; without one the reply breaks off in the middle. */
  status?: number;
  /** The error's type and message; without them the connection breaks. */
  error?: { type: string; message: string };
  /** How often, unless the prompt says. */
  times: number;
}

/** A failure that a prompt asked for. */
export interface Fault {
  kind: FaultKind;
  times: number;
  /** After how many model messages of the turn it happens: the number of other lines above it. */
  after: number;
}

/** Prompts whose failures are counted at the same time; the oldest is forgotten. */
const COUNTED_MAX = 1000;

const overloaded = { type: "overloaded_error", message: "Overloaded" };

export const faults: readonly FaultKind[] = [
  {
    name: "rate limit",
    does: "status 429",
    status: 429,
    error: { type: "rate_limit_error", message: "This request would exceed the rate limit." },
    times: 1,
  },
  {
    name: "server error",
    does: "status 500",
    status: 500,
    error: { type: "api_error", message: "Internal server error" },
    times: 1,
  },
  {
    name: "overloaded mid-stream",
    does: "an `error` event in the middle of the reply",
    error: overloaded,
    times: 1,
  },
  { name: "overloaded", does: "status 529", status: 529, error: overloaded, times: 1 },
  { name: "drop mid-stream", does: "the connection breaks in the middle of the reply", times: 1 },
  {
    name: "auth",
    does: "status 401",
    status: 401,
    error: { type: "authentication_error", message: "invalid x-api-key" },
    times: Infinity,
  },
  {
    name: "not found",
    does: "status 404",
    status: 404,
    error: { type: "not_found_error", message: "model: scripted" },
    times: Infinity,
  },
  {
    name: "prompt too long",
    does: "status 400, for which the agent compacts its context",
    status: 400,
    error: { type: "invalid_request_error", message: "prompt is too long: 213462 tokens > 200000 maximum" },
    times: 1,
  },
];

/** The failure that a line asks for: `fail: <name>`, and how often: `always`, `once`, `3` or `3 times`. */
export function faultOf(line: string, after: number): Fault | undefined {
  const asked = /^fail: (.+?)(?: (always|once|\d{1,6})(?: times?)?)?\.?$/i.exec(line);
  const kind = faults.find(({ name }) => name === asked?.[1]?.toLowerCase());
  return kind && { kind, after, times: timesOf(asked?.[2]?.toLowerCase()) ?? kind.times };
}

/** Counts failures by what asked for them. Two conversations that ask with the same words share a count. */
export class FaultCounts {
  readonly #given = new Map<string, number>();

  /** The failure that this attempt has to get, in the order of the prompt. Begins again after one that got none. */
  next(attempt: string, asked: readonly Fault[]): FaultKind | undefined {
    if (asked.length === 0) return undefined;
    const given = this.#given.get(attempt) ?? 0;
    const due = nth(asked, given);
    this.#given.delete(attempt);
    if (due) this.#given.set(attempt, given + 1);
    for (const oldest of this.#given.keys()) if (this.#given.size > COUNTED_MAX) this.#given.delete(oldest);
    return due?.kind;
  }
}

function nth(asked: readonly Fault[], given: number): Fault | undefined {
  let left = given;
  return asked.find(({ times }) => {
    left -= times;
    return left < 0;
  });
}

function timesOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (word === "always") return Infinity;
  return word === "once" ? 1 : Number(word);
}
