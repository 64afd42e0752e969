// The event stream: committed frames in order, none missing and none twice, live frames in between, no client awaited.
import { ReefError } from "../core/errors.js";
import type { TreeNode } from "../tree/node.js";
import { isEnd } from "../tree/rules.js";
import type { Tree } from "../tree/tree.js";
import { frameOf } from "./frames.js";

const CLIENTS_MAX = 1000;
const QUEUE_BYTES_MAX = 1024 * 1024;
const QUEUE_FRAMES_MAX = 1000;
const REPLAY_PAGE = 500;
const HEARTBEAT_MS = 15_000;
const BYTES_PER_FRAME = QUEUE_BYTES_MAX / QUEUE_FRAMES_MAX;

const encoder = new TextEncoder();
const GREETING = encoder.encode(": connected\n\nretry: 2000\n\n");
const PING = encoder.encode(": ping\n\n");

export interface StreamFilter {
  taskIds?: ReadonlySet<string>;
  types?: ReadonlySet<string>;
  /** False leaves frames without an id out. */
  live: boolean;
  /** A `user` node: the stream ends with the frame that ends its turn. */
  until?: string;
}

export interface EventStream {
  /** `cursor`: the seq after which to begin; undefined = live only; null = not a cursor of this tree. */
  open(cursor: number | null | undefined, filter: StreamFilter): ReadableStream<Uint8Array>;
  /** Sends a frame that is not stored. */
  send(frame: { type: string; taskId?: string }): void;
  clients(): number;
  close(): void;
}

/** Bytes of one or more frames, weighed so that the queue is full at 1 MiB or 1000 frames, whichever is first. */
interface Chunk {
  bytes: Uint8Array;
  frames: number;
  /** The newest seq in it; undefined for live frames. */
  seq?: number;
  /** The stream ends with it. */
  isLast?: boolean;
}

interface Client {
  filter: StreamFilter;
  isFiltered: boolean;
  /** Replaying from the journal, joining what is live, or live. */
  mode: "replay" | "joining" | "live";
  /** The newest seq that was sent or left out by the filter. */
  seq: number;
  controller: ReadableStreamDefaultController<Uint8Array>;
}

export function createEventStream<S>(tree: Tree<S>, log: { debug(...args: unknown[]): void }): EventStream {
  const clients = new Set<Client>();
  /** Of the chunk that is being put: `enqueue` asks for it at once. */
  let weight = 0;
  const unsubscribe = tree.subscribe(publish);
  const heartbeat = setInterval(() => {
    for (const client of clients) if (room(client) > 0) put(client, { bytes: PING, frames: 1 });
  }, HEARTBEAT_MS);
  heartbeat.unref();

  /** One commit group: encoded once for all clients without a filter. */
  function publish(nodes: readonly TreeNode[]): void {
    const seq = nodes.at(-1)?.seq;
    if (clients.size === 0 || seq === undefined) return;
    const frames = nodes.map(frameText);
    const all: Chunk = {
      bytes: encoder.encode(frames.map(({ text }) => text).join("")),
      frames: frames.length,
      seq,
    };
    for (const client of clients) {
      if (client.mode === "replay") continue;
      const chunk = client.isFiltered ? filtered(frames, client.filter, seq) : all;
      if (chunk.frames > 0 || chunk.isLast) putCommitted(client, chunk);
      else client.seq = seq;
    }
  }

  function send(frame: { type: string; taskId?: string }): void {
    let bytes: Uint8Array | undefined;
    for (const client of clients) {
      if (client.mode === "replay" || !client.filter.live || room(client) < QUEUE_BYTES_MAX / 2) continue;
      if (client.isFiltered && !passes(frame, client.filter)) continue;
      bytes ??= encoder.encode(`data: ${JSON.stringify(frame)}\n\n`);
      put(client, { bytes, frames: 1 });
    }
  }

  /** A full queue cuts a live client; one that is still joining goes back to the journal. */
  function putCommitted(client: Client, chunk: Chunk): void {
    if (room(client) > 0) {
      put(client, chunk);
      client.seq = chunk.seq ?? client.seq;
    } else if (client.mode === "joining") client.mode = "replay";
    else cut(client);
  }

  function put(client: Client, { bytes, frames, isLast }: Chunk): void {
    weight = Math.max(bytes.byteLength, frames * BYTES_PER_FRAME);
    if (frames > 0) client.controller.enqueue(bytes);
    if (!isLast) return;
    clients.delete(client);
    client.controller.close();
  }

  function cut(client: Client): void {
    clients.delete(client);
    log.debug(`a slow event client was cut after seq ${client.seq}`);
    client.controller.close();
  }

  async function replay(client: Client): Promise<void> {
    while (client.mode === "replay" && clients.has(client) && room(client) > 0) {
      const nodes = await tree.since(client.seq, REPLAY_PAGE);
      if (!clients.has(client)) return;
      client.seq = nodes.at(-1)?.seq ?? client.seq;
      const chunk = filtered(nodes.map(frameText), client.filter, client.seq);
      if (chunk.frames > 0 || chunk.isLast) put(client, chunk);
      // Commits happen in a later turn of the event loop, so nothing can come between this check and the joining.
      if (client.seq >= tree.newestSeq()) client.mode = "joining";
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  function open(cursor: number | null | undefined, filter: StreamFilter): ReadableStream<Uint8Array> {
    if (clients.size >= CLIENTS_MAX)
      throw new ReefError("unavailable", `More than ${CLIENTS_MAX} event clients`);
    const newest = tree.newestSeq();
    const unknown = cursor === null || (cursor !== undefined && cursor > newest);
    const resumes = cursor !== undefined && !unknown;
    let client: Client;
    return new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const { taskIds, types, until } = filter;
          const isFiltered = taskIds !== undefined || types !== undefined || until !== undefined;
          const seq = resumes ? (cursor ?? newest) : newest;
          client = { filter, isFiltered, mode: resumes ? "replay" : "live", seq, controller };
          clients.add(client);
          put(client, { bytes: GREETING, frames: 1 });
          if (unknown) put(client, { bytes: encoder.encode(resyncText(newest)), frames: 1 });
        },
        pull() {
          if (client.mode === "joining" && room(client) > QUEUE_BYTES_MAX / 2) client.mode = "live";
          if (client.mode === "replay") return replay(client);
          // Pending for ever: a live client is never asked again, which costs a fifth of every delivery. A promise of
          // its own, since one for all would hold every client that ever was.
          if (client.mode === "live") return new Promise(() => {});
        },
        cancel() {
          clients.delete(client);
        },
      },
      { highWaterMark: QUEUE_BYTES_MAX, size: () => weight },
    );
  }

  return {
    open,
    send,
    clients: () => clients.size,
    close() {
      unsubscribe();
      clearInterval(heartbeat);
      for (const client of clients) client.controller.close();
      clients.clear();
    },
  };
}

interface EncodedFrame {
  type: string;
  taskId?: string;
  /** The `user` node of the turn that ends with it. */
  endOf?: string | null;
  text: string;
}

function frameText(node: TreeNode): EncodedFrame {
  const frame = frameOf(node);
  return {
    type: frame.type,
    taskId: node.taskId,
    endOf: isEnd(node) ? node.parentId : undefined,
    text: `id: ${node.seq}\ndata: ${JSON.stringify(frame)}\n\n`,
  };
}

/** What a filter leaves of some frames, and nothing beyond the end of the turn with which the stream ends. */
function filtered(all: readonly EncodedFrame[], filter: StreamFilter, seq: number): Chunk {
  const { until } = filter;
  const end = until === undefined ? -1 : all.findIndex(({ endOf }) => endOf === until);
  const frames = (end < 0 ? all : all.slice(0, end + 1)).filter((frame) => passes(frame, filter));
  const bytes = encoder.encode(frames.map(({ text }) => text).join(""));
  return { bytes, frames: frames.length, seq, isLast: end >= 0 };
}

function resyncText(seq: number): string {
  return `data: ${JSON.stringify({ type: "resync", seq, reason: "unknown_cursor" })}\n\n`;
}

function passes(frame: { type: string; taskId?: string }, filter: StreamFilter): boolean {
  if (filter.types && !filter.types.has(frame.type)) return false;
  return !filter.taskIds || (frame.taskId !== undefined && filter.taskIds.has(frame.taskId));
}

/** How much the queue still takes; an empty one takes a frame of any size. */
function room(client: Client): number {
  return client.controller.desiredSize ?? 0;
}
