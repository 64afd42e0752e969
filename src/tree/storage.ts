// The journal: how a node becomes a row and a row a node again, and the statements that add rows and fetch them.
import type { Statement } from "bun:sqlite";
import type { TreeFile } from "./file.js";
import type { NewNode, RawNode, Role, TreeNode } from "./node.js";

/** What a page of nodes is read from. */
export interface NodeRow {
  seq: number;
  id: string;
  parentId: string | null;
  role: Role;
  content: string;
  timestamp: number;
  taskId: string | null;
  causeId: string | null;
  eventType: string | null;
  isError: number | null;
  more: string | null;
  raw?: string | null;
}

/** A node that has its place in the order. */
export type PlacedNode = NewNode & { id: string; seq: number; timestamp: number };

/** The seqs behind `parentId` and `causeId`. */
export interface Links {
  parent: number | null;
  cause: number | null;
}

export const COLUMNS =
  "n.seq, n.id, n.parentId, n.role, n.content, n.timestamp, n.taskId, n.causeId, n.eventType, n.isError, n.more";
export const RAW_COLUMNS = `${COLUMNS}, n.raw`;

type Page = [number, number];

export class Journal {
  readonly file: TreeFile;
  readonly #insert: Statement<unknown, (string | number | null)[]>;
  readonly #seqOf: Statement<{ seq: number }, [string]>;
  readonly #get: Statement<NodeRow, [string]>;
  readonly #getRaw: Statement<NodeRow, [string]>;
  readonly #after: Statement<NodeRow, Page>;
  readonly #before: Statement<NodeRow, Page>;
  readonly #children: Statement<NodeRow, [number, number, number]>;
  readonly #listed: Statement<NodeRow, [string]>;
  readonly #listedRaw: Statement<NodeRow, [string]>;

  constructor(file: TreeFile) {
    const select = `SELECT ${COLUMNS} FROM nodes n`;
    const listed = "FROM json_each(?) f CROSS JOIN nodes n ON n.seq = f.value";
    this.file = file;
    this.#insert = file.prepare(`INSERT INTO nodes VALUES (${Array(14).fill("?").join(", ")})`);
    this.#seqOf = file.prepare("SELECT seq FROM nodes WHERE id = ?");
    this.#get = file.prepare(`${select} WHERE n.id = ?`);
    this.#getRaw = file.prepare(`SELECT ${RAW_COLUMNS} FROM nodes n WHERE n.id = ?`);
    this.#after = file.prepare(`${select} WHERE n.seq > ? ORDER BY n.seq LIMIT ?`);
    this.#before = file.prepare(`${select} WHERE n.seq < ? ORDER BY n.seq DESC LIMIT ?`);
    this.#children = file.prepare(`${select} WHERE n.parent = ? AND n.seq > ? ORDER BY n.seq LIMIT ?`);
    this.#listed = file.prepare(`SELECT ${COLUMNS} ${listed}`);
    this.#listedRaw = file.prepare(`SELECT ${RAW_COLUMNS} ${listed}`);
  }

  /** No seq is ever left out, so the newest is also the number of nodes. */
  newestSeq(): number {
    const row = this.file.db.query<{ seq: number | null }, []>("SELECT max(seq) AS seq FROM nodes").get();
    return row?.seq ?? 0;
  }

  /** Returns the node as every later read will give it: what is announced equals what is replayed. */
  insert(node: PlacedNode, links: Links): TreeNode {
    const row = encode(node);
    const raw = node.raw === undefined ? null : JSON.stringify(node.raw);
    this.#insert.run(
      row.seq,
      links.parent,
      links.cause,
      row.role,
      row.eventType,
      row.isError,
      row.timestamp,
      row.id,
      row.parentId,
      row.causeId,
      row.taskId,
      row.content,
      row.more,
      raw,
    );
    return decode(row);
  }

  seqOf(id: string): number | undefined {
    return this.#seqOf.get(id)?.seq;
  }

  get(id: string, options: { raw?: boolean } = {}): RawNode | undefined {
    const row = (options.raw ? this.#getRaw : this.#get).get(id);
    return row === null ? undefined : decode(row);
  }

  after(seq: number, limit: number): TreeNode[] {
    return this.#after.all(seq, limit).map(decode);
  }

  /** The newest ones below `seq`, oldest first. */
  before(seq: number, limit: number): TreeNode[] {
    return this.#before.all(seq, limit).map(decode).reverse();
  }

  children(parent: number, after: number, limit: number): TreeNode[] {
    return this.#children.all(parent, after, limit).map(decode);
  }

  /** In the order of `seqs`. */
  listed(seqs: readonly number[], options: { raw?: boolean } = {}): RawNode[] {
    return (options.raw ? this.#listedRaw : this.#listed).all(JSON.stringify(seqs)).map(decode);
  }
}

/** SQLite text is UTF-8 and would change a lone surrogate, so it is made well-formed before anyone sees it. */
function encode(node: PlacedNode): NodeRow {
  const { source, meta, toolName, toolParams, toolCallId, result } = node;
  const more = JSON.stringify({ source, meta, toolName, toolParams, toolCallId, result });
  return {
    seq: node.seq,
    id: node.id,
    parentId: node.parentId,
    role: node.role,
    content: node.content.toWellFormed(),
    timestamp: node.timestamp,
    taskId: node.taskId ?? null,
    causeId: node.causeId ?? null,
    eventType: node.eventType?.toWellFormed() ?? null,
    isError: node.isError === undefined ? null : Number(node.isError),
    more: more === "{}" ? null : more,
  };
}

export function decode(row: NodeRow): RawNode {
  const { seq, id, parentId, role, content, timestamp } = row;
  const node: RawNode = { id, seq, parentId, role, content, timestamp };
  if (row.taskId !== null) node.taskId = row.taskId;
  if (row.causeId !== null) node.causeId = row.causeId;
  if (row.eventType !== null) node.eventType = row.eventType;
  if (row.more !== null) Object.assign(node, JSON.parse(row.more));
  if (row.isError !== null) node.isError = row.isError === 1;
  if (row.raw) node.raw = JSON.parse(row.raw);
  return node;
}
