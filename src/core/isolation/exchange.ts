// One call as each of its two sides has it: arguments one way, an answer the other, and a body either way.
import { type Body, Inflow, Outflow, type Source } from "./body.js";
import { packFailure, unpackFailure } from "./failure.js";
import { KIND, type Kind, readMessage } from "./frames.js";

/** The place of one call on the socket. */
export interface Line {
  /** Throws for a value that JSON cannot hold. */
  send(kind: Kind, value?: unknown): void;
  data(bytes: Uint8Array): void;
  /** Nothing of this call is awaited any more. */
  over(): void;
}

export interface Reply<Value> {
  value: Value;
  body?: Body;
}

export interface AskOptions {
  body?: Source | null;
  /** Tells the other side when it aborts; whoever waits goes on waiting for the answer. */
  signal?: AbortSignal;
  /** When it aborts, nobody waits for the answer any more either. */
  abandon?: AbortSignal;
  /** Hears what the other side has to say before it answers. */
  onNews?(news: unknown): void;
}

/** A call of this side. */
export class Asked {
  readonly #line: Line;
  readonly #bodies: Bodies;
  readonly #options: AskOptions;
  readonly #undo: (() => void)[] = [];
  readonly #answer = Promise.withResolvers<Reply<never>>();
  #isOver = false;

  constructor(line: Line, options: AskOptions) {
    this.#line = line;
    this.#bodies = new Bodies(line);
    this.#options = options;
  }

  /** Resolves to the answer and whatever of its body came with it. Rejects with what the other side threw. */
  answer(): Promise<Reply<never>> {
    const { body, signal, abandon } = this.#options;
    if (body) void this.#bodies.send(body);
    if (this.#isOver) return this.#answer.promise;
    this.#when(signal, () => this.#line.send(KIND.cancel));
    this.#when(abandon, () => this.#abandon(abandon?.reason));
    return this.#answer.promise;
  }

  receive(kind: number, payload: Buffer): void {
    if (kind === KIND.answer) this.#answered(readMessage(payload));
    else if (kind === KIND.failure) this.#failed(unpackFailure(readMessage(payload)));
    else if (kind === KIND.news) this.#hear(readMessage(payload));
    else this.#bodies.receive(kind, payload);
  }

  lose(reason: unknown): void {
    this.#bodies.lose(reason);
    this.#failed(reason);
  }

  #answered({ value, hasBody }: { value: never; hasBody?: boolean }): void {
    if (hasBody) {
      const inflow = this.#bodies.expect(() => this.#over());
      // What else came in the same read is there when whoever waits goes on.
      queueMicrotask(() => this.#answer.resolve({ value, body: inflow.body() }));
    } else {
      this.#answer.resolve({ value });
      this.#over();
    }
  }

  #hear(news: unknown): void {
    try {
      this.#options.onNews?.(news);
    } catch (error) {
      this.#abandon(error);
    }
  }

  #failed(reason: unknown): void {
    this.#answer.reject(reason);
    this.#over();
  }

  #abandon(reason: unknown): void {
    this.#line.send(KIND.cancel);
    this.lose(reason);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const undo of this.#undo) undo();
    this.#bodies.stopSending();
    this.#line.over();
  }

  #when(signal: AbortSignal | undefined, act: () => void): void {
    if (signal?.aborted) act();
    signal?.addEventListener("abort", act);
    this.#undo.push(() => signal?.removeEventListener("abort", act));
  }
}

/** A call of the other side. */
export class Served {
  readonly #line: Line;
  readonly #bodies: Bodies;
  readonly #controller = new AbortController();
  readonly #body: Inflow | undefined;

  constructor(line: Line, hasBody: boolean) {
    this.#line = line;
    this.#bodies = new Bodies(line);
    this.#body = hasBody ? this.#bodies.expect() : undefined;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** To be called once, if at all. */
  body(): Body {
    return this.#body?.body() ?? null;
  }

  news(value: unknown): void {
    this.#line.send(KIND.news, value);
  }

  /** Answers with what `work` results in. Resolves when all of it is sent. Never rejects. */
  async serve(work: () => Promise<Reply<unknown>>): Promise<void> {
    try {
      const { value, body } = await work();
      this.#line.send(KIND.answer, { value, ...(body ? { hasBody: true } : {}) });
      if (body) await this.#bodies.send(body);
    } catch (error) {
      this.#line.send(KIND.failure, packFailure(error));
    }
    this.#bodies.dropRest();
    this.#line.over();
  }

  receive(kind: number, payload: Buffer): void {
    if (kind === KIND.cancel) this.#controller.abort();
    else this.#bodies.receive(kind, payload);
  }

  lose(reason: Error): void {
    this.#bodies.lose(reason);
    this.#controller.abort(reason);
  }
}

/** The two bodies of a call. */
class Bodies {
  readonly #line: Line;
  #inflow: Inflow | undefined;
  #outflow: Outflow | undefined;
  #isLost = false;

  constructor(line: Line) {
    this.#line = line;
  }

  /** `whenOver`: the last of it came, or nobody wants the rest. */
  expect(whenOver: () => void = () => {}): Inflow {
    const line = this.#line;
    this.#inflow = new Inflow({
      grant: (bytes) => line.send(KIND.grant, bytes),
      stop: () => line.send(KIND.stop),
      over: whenOver,
    });
    return this.#inflow;
  }

  /** Resolves when it is sent, or nobody wants the rest. Never rejects. */
  send(body: Source): Promise<void> {
    const line = this.#line;
    this.#outflow = new Outflow({
      data: (bytes) => line.data(bytes),
      end: () => line.send(KIND.end),
      broken: (error) => line.send(KIND.broken, packFailure(error)),
    });
    if (this.#isLost) this.#outflow.stop();
    return this.#outflow.run(body);
  }

  receive(kind: number, payload: Buffer): void {
    if (kind === KIND.data) this.#inflow?.push(payload);
    else if (kind === KIND.end) this.#inflow?.end();
    else if (kind === KIND.broken) this.#inflow?.fail(unpackFailure(readMessage(payload)));
    else if (kind === KIND.grant) this.#outflow?.grant(readMessage(payload));
    else if (kind === KIND.stop) this.#outflow?.stop();
  }

  stopSending(): void {
    this.#outflow?.stop();
  }

  dropRest(): void {
    this.#inflow?.drop();
  }

  lose(reason: unknown): void {
    this.#isLost = true;
    this.#inflow?.fail(reason);
    this.#outflow?.stop();
  }
}
