// What was written and not sent yet, for each node that one may reply to.
import { type Kept, kept } from "./kept.js";

/** The oldest are forgotten: nobody comes back to them. */
const DRAFTS_MAX = 200;

interface Draft {
  text: string;
  at: number;
}

export class Drafts {
  readonly #kept: Kept;
  readonly #now: () => number;

  constructor(given: Kept, now: () => number = Date.now) {
    this.#kept = given;
    this.#now = now;
  }

  /** `place` is the node under which it is to go; undefined for a new task. */
  read(place: string | undefined): string {
    return this.#draft(nameFor(place))?.text ?? "";
  }

  write(place: string | undefined, text: string): void {
    const name = nameFor(place);
    if (text === "") {
      this.#kept.set(name, undefined);
      return;
    }
    const isNew = this.#kept.get(name) === undefined;
    this.#kept.set(name, JSON.stringify({ text, at: this.#now() } satisfies Draft));
    if (isNew) this.#forgetOldest();
  }

  /** To where one would go on now; what is written there already stays. */
  carry(from: string | undefined, to: string | undefined): void {
    const text = this.read(from);
    if (text === "" || this.read(to) !== "") return;
    this.write(to, text);
    this.write(from, "");
  }

  #forgetOldest(): void {
    const names = this.#kept.names().filter((name) => name.startsWith("draft:"));
    if (names.length <= DRAFTS_MAX) return;
    const byAge = names.toSorted((a, b) => (this.#draft(a)?.at ?? 0) - (this.#draft(b)?.at ?? 0));
    for (const name of byAge.slice(0, names.length - DRAFTS_MAX)) this.#kept.set(name, undefined);
  }

  #draft(name: string): Draft | undefined {
    const draft = parsed(this.#kept.get(name));
    return typeof draft?.text === "string" && typeof draft.at === "number"
      ? { text: draft.text, at: draft.at }
      : undefined;
  }
}

function nameFor(place: string | undefined): string {
  return `draft:${place ?? "new"}`;
}

function parsed(text: string | undefined): { text?: unknown; at?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const drafts = new Drafts(kept);
