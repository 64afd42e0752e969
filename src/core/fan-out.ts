// One log, many streams: each client resumes where it was, reads on at its own pace, and is then told what is new as it
// is committed. The log itself is what is sent, so nothing is lost or doubled where replay and live meet.
import type { Context } from "hono";
import { asPoint, type Point, readQuery } from "./query.js";
import { type ByeReason, type SseStream, sse, sseFrame } from "./sse.js";
import type { ServiceContext } from "./types.js";
import { asUlid, lastIdAt } from "./ulid.js";

const CLIENTS_MAX = 1_000;
const RETRY_MS = 2_000;
const RETRY_AFTER_SECONDS = 5;
/** Read from the log at once. */
const PAGE = { limit: 200, bytesMax: 256 * 1024 };

/** One entry of a log: `id` is a ULID, `json` what `onmessage` gets, without line breaks. */
export interface LogRow {
  id: string;
  json: string;
}

/** A log as streams read it. What it answers has to be committed, and `F` is what a client may filter by. */
export interface LogSource<R extends LogRow, F> {
  /** Oldest first, at most `limit` and about `bytesMax`: those with a greater id. */
  read(after: string, options: { limit: number; bytesMax: number; filter?: F }): R[];
  matches(row: R, filter: F): boolean;
  /** The greatest id that ever was; empty before the first. */
  newest(): string;
  /** The greatest id that is not kept any more; empty when all are. */
  removed(): string;
  /** The smallest id that is kept. */
  oldest(): string | null;
}

export interface FanOut<F> {
  /** Answers a request: `Last-Event-ID`, else `?since=`, else from now on. 503 `too many streams` beyond the limit. */
  open(c: Context, filter?: F): Response;
  /** Tells those who are live what was committed up to this id. Call it after each commit. */
  advance(id: string): void;
  /** Tells everybody that the log was emptied. Call it after the commit. */
  cleared(): void;
  clients(): number;
}

type FanOutContext = Pick<ServiceContext, "events" | "signal">;

/** The streams end with the module's version. */
export function createFanOut<R extends LogRow, F>(
  ctx: FanOutContext,
  source: LogSource<R, F>,
  options: { clientsMax?: number } = {},
): FanOut<F> {
  const { clientsMax = CLIENTS_MAX } = options;
  const clients = new Set<Client<F>>();
  const live = new LiveClients(source);
  endStreams(ctx, clients);

  function add(client: Client<F>, isLive: boolean): void {
    clients.add(client);
    client.stream.signal.addEventListener("abort", () => {
      clients.delete(client);
      live.remove(client);
    });
    if (isLive) live.add(client);
    else void replay(client);
  }

  /** What does not fit waits in the log until the client has taken what was sent before. */
  async function replay(client: Client<F>): Promise<void> {
    const { stream, filter } = client;
    try {
      for (await stream.drained(); !stream.signal.aborted; await stream.drained()) {
        if (client.after < source.removed()) skipRemoved(client);
        const rows = source.read(client.after, { ...PAGE, filter });
        if (rows.length === 0) return live.add(client);
        stream.write(encodeFrames(rows), rows.length);
        client.after = rows.at(-1)?.id ?? client.after;
      }
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  function skipRemoved(client: Client<F>): void {
    client.stream.send({ event: "resync", data: { oldest: source.oldest() } });
    client.after = source.removed();
  }

  return {
    open(c, filter) {
      const after = startOf(c, source.newest());
      if (clients.size >= clientsMax) return tooManyStreams();
      const run = (stream: SseStream) => add({ stream, filter, after: after ?? "" }, after === undefined);
      return sse(c, run, { retry: RETRY_MS });
    },
    advance: (id) => live.advance(id),
    cleared() {
      const frame = sseFrame({ event: "cleared", data: {} });
      live.skip();
      for (const client of clients) {
        client.after = source.removed();
        client.stream.write(frame);
      }
    },
    clients: () => clients.size,
  };
}

interface Client<F> {
  readonly stream: SseStream;
  readonly filter: F | undefined;
  /** While it replays: the last id that it was sent. */
  after: string;
}

/** Those who have all that the log held, and are told together what comes. */
class LiveClients<R extends LogRow, F> {
  readonly #source: LogSource<R, F>;
  readonly #clients = new Set<Client<F>>();
  /** The last id that they were told. */
  #told = "";

  constructor(source: LogSource<R, F>) {
    this.#source = source;
  }

  /** The client has everything that is committed, so the others are brought there first. */
  add(client: Client<F>): void {
    const newest = this.#source.newest();
    if (this.#clients.size === 0) this.#told = newest;
    else this.advance(newest);
    this.#clients.add(client);
  }

  remove(client: Client<F>): void {
    this.#clients.delete(client);
  }

  advance(id: string): void {
    while (this.#clients.size > 0 && this.#told < id) {
      const rows = this.#source.read(this.#told, PAGE);
      this.#told = rows.at(-1)?.id ?? id;
      if (rows.length > 0) this.#tell(rows);
    }
  }

  skip(): void {
    this.#told = this.#source.newest();
  }

  /** Each frame is encoded once, whoever gets it. */
  #tell(rows: R[]): void {
    let all: Uint8Array | undefined;
    let each: Uint8Array[] | undefined;
    for (const { stream, filter } of this.#clients) {
      if (filter === undefined) {
        all ??= encodeFrames(rows);
        stream.write(all, rows.length);
      } else {
        each ??= rows.map((row) => encodeFrames([row]));
        rows.forEach((row, index) => {
          const frame = each?.[index];
          if (frame && this.#source.matches(row, filter)) stream.write(frame);
        });
      }
    }
  }
}

const encoder = new TextEncoder();

function encodeFrames(rows: readonly LogRow[]): Uint8Array {
  return encoder.encode(rows.map(({ id, json }) => `id: ${id}\ndata: ${json}\n\n`).join(""));
}

/** The id after which a client goes on; undefined for one that asks for nothing that was before. */
function startOf(c: Context, newest: string): string | undefined {
  const after =
    asUlid(c.req.header("last-event-id") ?? "") ?? sinceOf(readQuery(c, { since: asPoint }).since);
  // An id from elsewhere may lie in the future, and nobody should have to wait until the log gets there.
  return after === undefined || after < newest ? after : newest;
}

function sinceOf(since: Point | undefined): string | undefined {
  if (since === undefined) return undefined;
  return "id" in since ? since.id : lastIdAt(since.ms);
}

function tooManyStreams(): Response {
  const body = { error: "too many streams", code: "unavailable" };
  const headers = { "Retry-After": String(RETRY_AFTER_SECONDS), "X-Reef-Error": body.code };
  return Response.json(body, { status: 503, headers });
}

/** The server says that it stops before anything else, so that its streams end before their connections. */
function endStreams<F>({ events, signal }: FanOutContext, clients: ReadonlySet<Client<F>>): void {
  const end = (reason: ByeReason) => {
    for (const { stream } of clients) stream.close(reason);
  };
  events.on("reef:stopping", () => end("shutdown"));
  signal.addEventListener("abort", () => end("reload"));
}
