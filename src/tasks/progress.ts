// What a run has done since its hand-over, counted from what pi says and from what became nodes of it.
import type { AgentEvent } from "../agent/protocol.js";
import type { TreeNode, Usage } from "../tree/node.js";
import { addUsage, NO_USAGE, usageOf } from "./status.js";

export interface CurrentTool {
  toolCallId: string;
  toolName: string;
  /** Epoch milliseconds. */
  startedAt: number;
}

export class Progress {
  /** Of the pi process. */
  readonly pid: number;
  /** The hand-over, in epoch milliseconds. */
  readonly startedAt: number;
  #turns = 0;
  #toolCalls = 0;
  #usage: Usage = NO_USAGE;
  readonly #open = new Map<string, CurrentTool>();

  constructor(pid: number, startedAt: number) {
    this.pid = pid;
    this.startedAt = startedAt;
  }

  /** Turns in pi's sense: model calls that began. */
  get turns(): number {
    return this.#turns;
  }

  get toolCalls(): number {
    return this.#toolCalls;
  }

  get usage(): Usage {
    return this.#usage;
  }

  /** Of several at the same time the one that began first. */
  get currentTool(): CurrentTool | undefined {
    return this.#open.values().next().value;
  }

  heard(event: AgentEvent): void {
    if (event.type === "turn_start") this.#turns += 1;
  }

  committed(node: TreeNode): void {
    const usage = usageOf(node);
    if (usage) this.#usage = addUsage(this.#usage, usage);
    const { role, toolCallId, toolName = "", timestamp } = node;
    if (toolCallId === undefined) return;
    if (role === "tool_result") this.#open.delete(toolCallId);
    if (role !== "tool_call") return;
    this.#toolCalls += 1;
    this.#open.set(toolCallId, { toolCallId, toolName, startedAt: timestamp });
  }
}
