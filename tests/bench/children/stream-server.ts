// Two servers that send the same frames to all their clients: reef's event stream over nodes, and plain streams over
// bytes that were encoded before.
import { frameOf } from "../../../src/reef/frames.js";
import { createEventStream } from "../../../src/reef/stream.js";
import type { TreeNode } from "../../../src/tree/node.js";
import type { Tree } from "../../../src/tree/tree.js";
import { answer } from "../child.js";

export type Way = "reef" | "bare";
type Body = ReadableStream<Uint8Array>;

/** As a commit group is when all the tasks that run by default have something to tell. */
const GROUP = 8;
/** So far may the publisher be ahead of the slowest client: well under where a client is cut. */
const AHEAD_MAX = 512;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(4);
const encoder = new TextEncoder();
const GREETING = encoder.encode(": connected\n\n");

let taken = 0;
let moved: () => void = () => {};

answer({
  start(): Record<Way, number> {
    return { reef: serve(openReef), bare: serve(openBare) };
  },
  /** Sends frames with the seqs from 1 on, at the pace of the slowest client. Resolves with the milliseconds. */
  async publish({ way, frames }: { way: Way; frames: number }): Promise<number> {
    const groups = Array.from({ length: frames / GROUP }, (_, n) => groupFrom(n * GROUP + 1));
    const send = way === "reef" ? reefSender(groups) : bareSender(groups);
    taken = 0;
    const startedAt = performance.now();
    for (let n = 0; n < groups.length; n++) {
      while (n * GROUP - taken > AHEAD_MAX) await taking();
      send(n);
      // Commit groups come in turns of the event loop of their own.
      await new Promise(setImmediate);
    }
    while (taken < frames) await taking();
    return performance.now() - startedAt;
  },
});

function serve(open: () => Body): number {
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const [, seq] = request.url.split("/taken/");
      if (seq === undefined) return new Response(open(), { headers });
      taken = Number(seq);
      moved();
      return new Response();
    },
  });
  return server.port ?? 0;
}

function taking(): Promise<void> {
  return new Promise((resolve) => {
    moved = resolve;
  });
}

const listeners = new Set<(nodes: readonly TreeNode[]) => void>();
const tree = {
  newestSeq: () => 0,
  since: async () => [],
  subscribe(listener: (nodes: readonly TreeNode[]) => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
const stream = createEventStream(tree as unknown as Tree<unknown>, { debug: console.warn });

function openReef(): Body {
  return stream.open(undefined, { live: true });
}

function reefSender(groups: readonly TreeNode[][]): (n: number) => void {
  return (n) => {
    for (const listener of listeners) listener(groups[n] ?? []);
  };
}

const bareClients = new Set<ReadableStreamDefaultController<Uint8Array>>();

function openBare(): Body {
  let own: ReadableStreamDefaultController<Uint8Array>;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      own = controller;
      bareClients.add(own);
      own.enqueue(GREETING);
    },
    cancel: () => void bareClients.delete(own),
  });
}

function bareSender(groups: readonly TreeNode[][]): (n: number) => void {
  const encoded = groups.map((group) => encoder.encode(group.map(textOf).join("")));
  return (n) => {
    for (const client of bareClients) client.enqueue(encoded[n]);
  };
}

function textOf(node: TreeNode): string {
  return `id: ${node.seq}\ndata: ${JSON.stringify(frameOf(node))}\n\n`;
}

function groupFrom(seq: number): TreeNode[] {
  return Array.from({ length: GROUP }, (_, n) => nodeAt(seq + n));
}

function nodeAt(seq: number): TreeNode {
  const id = `01K0000000000000000${String(seq).padStart(7, "0")}`;
  const meta = { model: "scripted", provider: "offline", stopReason: "stop" };
  return {
    id,
    seq,
    parentId: id,
    role: "assistant",
    content: TEXT,
    timestamp: 1_750_000_000_000,
    taskId: `task-${seq % 8}`,
    meta,
  };
}
