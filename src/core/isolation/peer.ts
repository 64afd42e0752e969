// Calls over one socket, in both directions at once: arguments and answers are JSON, bodies are streamed, and each call
// carries on whose behalf it is made.
import { type Body, discard } from "./body.js";
import type { Carrier, Stamp } from "./carrier.js";
import { Asked, type AskOptions, type Line, type Reply, Served } from "./exchange.js";
import { dataFrame, FrameReader, KIND, messageFrame, readMessage } from "./frames.js";
import { Outbox } from "./outbox.js";

/** A process that does not read what it is sent is of no use any more. */
const UNREAD_BYTES_MAX = 128 * 1024 ** 2;

/** What can be called, by name. */
export type Calls = Record<string, { args: unknown; value: unknown }>;

/** A call that came, as who answers it sees it. */
export interface Incoming {
  readonly stamp: Stamp;
  readonly signal: AbortSignal;
  body(): Body;
  news(value: unknown): void;
}

export type Answers<In extends Calls> = {
  [Name in keyof In]: (args: In[Name]["args"], call: Incoming) => Promise<Reply<In[Name]["value"]>>;
};

export type Hearers<Told> = { [Name in keyof Told]: (value: Told[Name]) => void };

export interface PeerOptions<In extends Calls, Told> {
  /** Each side numbers its calls in its own way. */
  side: "server" | "service";
  carrier: Carrier;
  answers: Answers<In>;
  /** What is told, and not answered. */
  hearers: Hearers<Told>;
  /** Returns how many bytes the socket took. */
  write(bytes: Uint8Array): number;
  /** The connection cannot go on, and has to be ended. */
  broken(reason: ConnectionLost): void;
}

export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

export class Peer<Out extends Calls, Tells, In extends Calls, Told> {
  readonly #options: PeerOptions<In, Told>;
  readonly #outbox: Outbox;
  readonly #reader: FrameReader;
  readonly #asked = new Map<number, Asked>();
  readonly #served = new Map<number, Served>();
  readonly #ownParity: number;
  #lastId: number;
  #lost: ConnectionLost | undefined;

  constructor(options: PeerOptions<In, Told>) {
    this.#options = options;
    this.#ownParity = options.side === "server" ? 0 : 1;
    this.#lastId = this.#ownParity;
    this.#reader = new FrameReader((kind, id, payload) => this.#onFrame(kind, id, payload));
    const full = () => options.broken(new ConnectionLost("it does not read what it is sent"));
    this.#outbox = new Outbox({ write: options.write, bytesMax: UNREAD_BYTES_MAX, full });
  }

  /** Rejects with what the other side threw, and with ConnectionLost when the connection ends first. */
  async call<Name extends keyof Out & string>(
    name: Name,
    args: Out[Name]["args"],
    options: AskOptions = {},
  ): Promise<Reply<Out[Name]["value"]>> {
    if (this.#lost) {
      void discard(options.body);
      throw this.#lost;
    }
    const id = this.#nextId();
    const { carrier } = this.#options;
    const line = this.#line(id, () => {
      this.#asked.delete(id);
      carrier.over(id);
    });
    const asked = new Asked(line, options);
    this.#asked.set(id, asked);
    try {
      line.send(KIND.call, { name, args, stamp: carrier.stamp(id), hasBody: Boolean(options.body) });
    } catch (error) {
      asked.lose(error);
    }
    return asked.answer();
  }

  tell<Name extends keyof Tells & string>(name: Name, value: Tells[Name]): void {
    if (!this.#lost) this.#outbox.push(messageFrame(KIND.told, 0, { name, value }));
  }

  /** Writes at once, and not when this turn of the event loop is done. */
  flush(): void {
    this.#outbox.flush();
  }

  received(bytes: Buffer): void {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.#options.broken(new ConnectionLost("it sent what cannot be read", { cause: error }));
    }
  }

  drained(): void {
    this.#outbox.drained();
  }

  /** Ends all that is under way. Nothing can be called any more. */
  lost(reason: ConnectionLost): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.#outbox.close();
    for (const one of [...this.#asked.values(), ...this.#served.values()]) one.lose(reason);
  }

  #onFrame(kind: number, id: number, payload: Buffer): void {
    const known = id % 2 === this.#ownParity ? this.#asked.get(id) : this.#served.get(id);
    if (kind === KIND.call) this.#serve(id, readMessage(payload));
    else if (kind === KIND.told) this.#hear(readMessage(payload));
    else if (known) known.receive(kind, payload);
    // Nobody reads this body any more.
    else if (kind === KIND.data) this.#outbox.push(messageFrame(KIND.stop, id));
  }

  #serve(id: number, call: { name: keyof In & string; args: never; stamp: Stamp; hasBody: boolean }): void {
    const { name, args, stamp, hasBody } = call;
    const { answers, carrier } = this.#options;
    const served = new Served(
      this.#line(id, () => this.#served.delete(id)),
      hasBody,
    );
    const incoming: Incoming = {
      stamp,
      signal: served.signal,
      body: () => served.body(),
      news: (value) => served.news(value),
    };
    this.#served.set(id, served);
    const serve = () => served.serve(() => carrier.runAs(stamp, async () => answers[name](args, incoming)));
    // What of the body came in the same read is there then, and most bodies are small.
    if (hasBody) queueMicrotask(serve);
    else void serve();
  }

  #hear({ name, value }: { name: keyof Told; value: never }): void {
    this.#options.hearers[name](value);
  }

  #line(id: number, over: () => void): Line {
    return {
      send: (kind, value) => this.#outbox.push(messageFrame(kind, id, value)),
      data: (bytes) => this.#outbox.push(...dataFrame(id, bytes)),
      over,
    };
  }

  /** Numbers come round again after some two thousand million calls, and those of calls still under way are skipped. */
  #nextId(): number {
    do {
      this.#lastId += 2;
      if (this.#lastId > ID_MAX) this.#lastId = this.#ownParity + 2;
    } while (this.#asked.has(this.#lastId));
    return this.#lastId;
  }
}

const ID_MAX = 2 ** 32 - 1;
