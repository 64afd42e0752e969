// The rules that hold for every node when it is written: what its parent has to be, and what there may be only one of.
import type { Statement } from "bun:sqlite";
import { ReefError } from "../core/errors.js";
import type { NewNode } from "./node.js";
import type { Journal, Links } from "./storage.js";

export const MAIN = "main";
const END_TYPES = new Set(["task_done", "task_error", "task_cancelled"]);
const END_LIST = [...END_TYPES].map((type) => `'${type}'`).join(", ");

/** The event that ends a turn; a turn has one. */
export function isEnd(node: { role: string; eventType?: string }): boolean {
  return node.role === "event" && END_TYPES.has(node.eventType ?? "");
}

export class Rules {
  readonly #journal: Journal;
  readonly #result: Statement<{ seq: number }, [number]>;
  readonly #end: Statement<{ seq: number }, [number]>;
  readonly #openCall: Statement<{ id: string }, [number]>;

  constructor(journal: Journal) {
    const { file } = journal;
    this.#journal = journal;
    this.#result = file.prepare("SELECT seq FROM nodes WHERE parent = ? AND role = 'tool_result' LIMIT 1");
    this.#end = file.prepare(
      `SELECT seq FROM nodes WHERE parent = ? AND role = 'event' AND eventType IN (${END_LIST}) LIMIT 1`,
    );
    this.#openCall =
      file.prepare(`SELECT n.id FROM nodes n WHERE n.parent = ? AND n.role = 'tool_call' AND NOT EXISTS
      (SELECT 1 FROM nodes r WHERE r.parent = n.seq AND r.role = 'tool_result') LIMIT 1`);
  }

  /**
   * Throws `conflict` where a race can lead here, such as a second result or a second end, and `internal` for what
   * only a mistake in reef can cause. Returns the places of the parent and of the cause, both older than the node.
   */
  check(node: NewNode): Links {
    const links = this.links(node);
    if (node.taskId === MAIN) throw broken(`A task cannot be named '${MAIN}'`);
    if (node.parentId === null && node.role !== "system") throw broken("The root has to be a system node");
    if (node.role === "tool_call" && !node.toolCallId) throw broken("A tool_call needs its toolCallId");
    if (node.role === "tool_result") this.#checkResult(node, links);
    if (isEnd(node)) this.#checkEnd(node, links);
    return links;
  }

  links(node: NewNode): Links {
    return { parent: this.#parentOf(node), cause: this.#causeOf(node) };
  }

  /** To be asked when all nodes of one commit are there: calls and their results may come in any order with the end. */
  checkNoOpenCall(end: NewNode): void {
    const open = this.#openCall.get(this.links(end).parent ?? 0);
    if (open !== null) throw broken(`Turn '${end.parentId}' cannot end while call '${open.id}' is open`);
  }

  #parentOf(node: NewNode): number | null {
    if (node.parentId !== null) {
      const parent = this.#journal.seqOf(node.parentId);
      if (parent === undefined) throw broken(`Unknown parent '${node.parentId}'`);
      return parent;
    }
    if (this.#journal.after(0, 1).length > 0) throw broken("The tree has a root, so a node needs a parentId");
    return null;
  }

  #causeOf(node: NewNode): number | null {
    if (node.causeId === undefined) return null;
    const cause = this.#journal.seqOf(node.causeId);
    if (cause === undefined) throw broken(`Unknown cause '${node.causeId}'`);
    return cause;
  }

  #checkResult(node: NewNode, links: Links): void {
    const call = this.#journal.get(node.parentId ?? "");
    if (call?.role !== "tool_call" || call.toolCallId !== node.toolCallId)
      throw broken(
        `A tool_result for '${node.toolCallId}' hangs under ${call?.role} '${call?.toolCallId ?? call?.id}'`,
      );
    if (this.#result.get(links.parent ?? 0) !== null)
      throw new ReefError("conflict", `Call '${node.toolCallId}' already has a result`);
  }

  #checkEnd(node: NewNode, links: Links): void {
    const turn = this.#journal.get(node.parentId ?? "");
    if (turn?.role !== "user" || turn.taskId === undefined || turn.taskId !== node.taskId)
      throw broken(`A ${node.eventType} of '${node.taskId}' hangs under ${turn?.role} '${turn?.id}'`);
    if (this.#end.get(links.parent ?? 0) !== null)
      throw new ReefError("conflict", `Turn '${node.parentId}' of task '${node.taskId}' is already over`);
  }
}

function broken(message: string): ReefError {
  return new ReefError("internal", message);
}
