// Routes that read the tree: whole or in pages, one node and what is around it, as JSON or as a drawing.
import { Type } from "@sinclair/typebox";
import type { Context, Hono } from "hono";
import { ReefError } from "../core/errors.js";
import { noTimeout, page } from "../core/http.js";
import type { TreeNode } from "../tree/node.js";
import { drawTree, WIDTH_DEFAULT } from "./drawing.js";
import type { ReefParts } from "./parts.js";
import { flag, integer, list, type Query } from "./query.js";

const TREE_PAGES = { list: "tree", limit: 1000, limitMax: 5000, position: Type.Integer() };
const CHILD_PAGES = { list: "children", limit: 500, limitMax: 1000, position: Type.Integer() };
const EFFECT_PAGES = { list: "effects", limit: 500, limitMax: 1000, position: Type.Integer() };
const WIDTH_MAX = 10_000;

export function addTreeRoutes(routes: Hono, parts: ReefParts): void {
  const { tree } = parts;

  routes.get("/tree", async (c) => {
    const query = (name: string) => c.req.query(name);
    const format = query("format");
    if (format === "text") return drawing(c, parts, query);
    if (format !== undefined && format !== "json") {
      throw new ReefError("bad_request", `format must be json or text. Received: ${JSON.stringify(format)}`);
    }
    const paged = ["since", "before", "limit", "root", "ancestors"].some((name) => query(name) !== undefined);
    return paged ? c.json(await pageOf(parts, query, page(c, TREE_PAGES).limit)) : whole(c, parts);
  });

  routes.get("/tree/:id", async (c) => {
    const { limit, after, cursor } = page(c, CHILD_PAGES);
    const node = await known(parts, c.req.param("id"));
    const { nodes, more } = await tree.children(node.id, { after, limit });
    return c.json({ node, children: nodes, ...nextCursor(nodes, more, cursor) });
  });

  routes.get("/tree/:id/path", async (c) => c.json({ path: await tree.path(c.req.param("id")) }));

  routes.get("/tree/:id/conversation", async (c) => {
    const node = await known(parts, c.req.param("id"));
    return c.json({ nodes: await tree.conversation(node.id) });
  });

  routes.get("/tree/:id/why", async (c) => {
    const node = await known(parts, c.req.param("id"));
    return c.json({ node, chain: await tree.why(node.id) });
  });

  routes.get("/tree/:id/effects", async (c) => {
    const { limit, after, cursor } = page(c, EFFECT_PAGES);
    const types = list((name) => c.req.query(name), "types");
    const found = await tree.effects(c.req.param("id"), { after, limit, types });
    const { node, effects, more, totals } = found;
    return c.json({ node, effects, count: effects.length, totals, ...nextCursor(effects, more, cursor) });
  });
}

/** The `limit` oldest nodes after `since`, or the `limit` newest before `before`. */
async function pageOf(parts: ReefParts, query: Query, size: number): Promise<object> {
  const { tree } = parts;
  const since = integer(query, "since", { min: 0 });
  const before = integer(query, "before", { min: 1 });
  if (since !== undefined && before !== undefined)
    throw new ReefError("bad_request", "since and before exclude each other");
  const newest = tree.newestSeq();
  if (since !== undefined && since > newest) {
    throw new ReefError("bad_request", `since is beyond the newest node (${newest})`, { seq: newest });
  }
  const root = query("root");
  const filter = root === undefined ? {} : { root };
  const backwards = before !== undefined;
  const found = backwards
    ? await tree.before(before, size + 1, filter)
    : await tree.since(since ?? 0, size + 1, filter);
  const nodes = backwards ? found.slice(-size) : found.slice(0, size);
  const edge = backwards ? nodes[0] : nodes.at(-1);
  return {
    nodes: byId(nodes),
    ...(await around(parts, nodes)),
    ...(flag(query, "ancestors") && { ancestors: byId(await tree.ancestors(nodes)) }),
    root: root ?? tree.root(),
    archivedTasks: [],
    seq: newest,
    ...(found.length > size && edge && { nextCursor: edge.seq }),
  };
}

/** Refs and infos of the tasks that have a node on the page, and `main`. */
async function around({ tree, tasks }: ReefParts, nodes: readonly TreeNode[]): Promise<object> {
  const names = [...new Set(nodes.flatMap(({ taskId }) => (taskId === undefined ? [] : [taskId])))];
  const states = await Promise.all(names.map((name) => tree.task(name)));
  const leaves = await Promise.all(
    ["main", ...names].map(async (name) => [name, await tree.ref(name)] as const),
  );
  return {
    refs: Object.fromEntries(leaves.filter(([, leaf]) => leaf !== undefined)),
    tasks: Object.fromEntries(states.flatMap((state) => (state ? [[state.name, tasks.info(state)]] : []))),
  };
}

function byId<T extends { id: string }>(nodes: readonly T[]): Record<string, T> {
  return Object.fromEntries(nodes.map((node) => [node.id, node]));
}

function whole(c: Context, { tree, tasks }: ReefParts): Response {
  noTimeout(c);
  const text = tree.exportJson((_name, state) => tasks.info(state));
  return c.body(streamOf(text), 200, { "Content-Type": "application/json" });
}

async function drawing(c: Context, parts: ReefParts, query: Query): Promise<Response> {
  const { tree } = parts;
  const root = await known(parts, query("root") ?? tree.root());
  const text = drawTree((id, page) => tree.children(id, page), {
    root,
    width: integer(query, "width", { min: 1, max: WIDTH_MAX }) ?? WIDTH_DEFAULT,
    depth: integer(query, "depth", { min: 0 }),
    all: flag(query, "all"),
  });
  noTimeout(c);
  return c.body(streamOf(text), 200, { "Content-Type": "text/plain; charset=utf-8" });
}

/** Written at the reader's pace; a reader that goes away ends the reading of the tree. */
function streamOf(chunks: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function known(parts: ReefParts, id: string): Promise<TreeNode> {
  const node = await parts.tree.get(id);
  if (!node) throw new ReefError("not_found", "not found");
  return node;
}

function nextCursor(
  nodes: readonly TreeNode[],
  more: boolean,
  cursor: (seq: number) => string,
): { nextCursor?: string } {
  const last = nodes.at(-1);
  return more && last ? { nextCursor: cursor(last.seq) } : {};
}
