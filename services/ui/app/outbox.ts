// Prompts on their way. One that finds no server is kept, over reloads too, and sent when there is one again; its key makes
// sure that it is taken once, however often it is sent.
import { signal } from "@preact/signals";
import { isUnreachable, messageOf } from "./api.js";
import type { Kept } from "./kept.js";

const NAME = "outbox";
/** Within this time the server knows a key again. */
const KEY_MS = 24 * 3_600_000;

export interface Outgoing {
  /** For `Idempotency-Key`. */
  key: string;
  text: string;
  /** Undefined for a new task. */
  parentId?: string;
  /** The task that it goes on with. */
  taskId?: string;
  at: number;
}

export interface Sent {
  nodeId: string;
  seq: number;
}

export interface OutboxOptions {
  kept: Kept;
  send(one: Outgoing): Promise<Sent>;
  /** Resolves when its node is shown. Until then it is in the outbox. */
  sent(one: Outgoing, sent: Sent): Promise<void>;
  /** The server will not have it: whoever wrote it gets it back. */
  refused(one: Outgoing, message: string): void;
  now?: () => number;
}

export class Outbox {
  readonly entries = signal<readonly Outgoing[]>([]);
  /** Keys of those that found no server. */
  readonly waiting = signal<ReadonlySet<string>>(new Set());
  readonly #options: OutboxOptions;
  readonly #underway = new Set<string>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.entries.value = this.#stored();
    this.waiting.value = new Set(this.entries.value.map(({ key }) => key));
  }

  add(message: Pick<Outgoing, "text" | "parentId" | "taskId">): Promise<void> {
    const one = { ...message, key: newKey(), at: this.#now() };
    this.#set([...this.entries.value, one]);
    return this.#deliver(one);
  }

  /** Tries again what found no server. */
  async flush(): Promise<void> {
    for (const one of this.entries.value) {
      if (this.#now() - one.at < KEY_MS) await this.#deliver(one);
      else this.#giveBack(one, "it waited for longer than a day");
    }
  }

  async #deliver(one: Outgoing): Promise<void> {
    if (this.#underway.has(one.key)) return;
    this.#underway.add(one.key);
    this.#setWaiting(one.key, false);
    try {
      await this.#options.sent(one, await this.#options.send(one));
      this.#remove(one);
    } catch (error) {
      if (isUnreachable(error)) this.#setWaiting(one.key, true);
      else this.#giveBack(one, messageOf(error));
    } finally {
      this.#underway.delete(one.key);
    }
  }

  #giveBack(one: Outgoing, message: string): void {
    this.#remove(one);
    this.#options.refused(one, message);
  }

  #remove({ key }: Outgoing): void {
    this.#set(this.entries.value.filter((other) => other.key !== key));
    this.#setWaiting(key, false);
  }

  #set(entries: readonly Outgoing[]): void {
    this.entries.value = entries;
    this.#options.kept.set(NAME, entries.length === 0 ? undefined : JSON.stringify(entries));
  }

  #setWaiting(key: string, isWaiting: boolean): void {
    if (this.waiting.value.has(key) === isWaiting) return;
    const next = new Set(this.waiting.value);
    if (isWaiting) next.add(key);
    else next.delete(key);
    this.waiting.value = next;
  }

  #stored(): Outgoing[] {
    try {
      const entries: unknown = JSON.parse(this.#options.kept.get(NAME) ?? "[]");
      return Array.isArray(entries) ? entries.filter(isOutgoing) : [];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

function isOutgoing(value: unknown): value is Outgoing {
  if (typeof value !== "object" || value === null) return false;
  const { key, text, at } = value as Record<string, unknown>;
  return typeof key === "string" && typeof text === "string" && typeof at === "number";
}

/** `crypto.randomUUID` is absent over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
