// Pure: what an interruption leaves in the tree, and with which words an interrupted turn goes on.
import type { NewNode, TreeNode } from "../tree/node.js";
import { answersOf, textOfAnswer } from "./dialogs.js";
import { cutOff, type Memory, type TurnIdentity } from "./record.js";
import type { TurnState } from "./status.js";

/** Unclean interruptions after which a turn is not resumed any more. */
export const INTERRUPTIONS_MAX = 3;

const RESULT_TEXT = "interrupted: reef restarted before this call returned";
const RESUME_TEXT = "reef restarted. Calls marked interrupted may have taken effect. Continue.";

/** A run that was cut: a result for each open call, the interruption, and the end when it was one too many. */
export function interruption(memory: Memory, turn: TurnState, who: TurnIdentity, clean: boolean): NewNode[] {
  const nodes = cutOff(memory, turn, who, RESULT_TEXT);
  const meta = clean ? { attempt: turn.attempt, clean } : { attempt: turn.attempt };
  nodes.push(turnEvent(who, "task_interrupted", RESULT_TEXT.split(":")[0] ?? "", meta));
  if (!clean && turn.interruptions + 1 >= INTERRUPTIONS_MAX) {
    nodes.push(turnEvent(who, "task_error", `Interrupted ${INTERRUPTIONS_MAX} times; not resumed`));
  }
  return nodes;
}

/** An event of the turn itself, under its `user` node. */
export function turnEvent(
  who: TurnIdentity,
  eventType: string,
  content: string,
  meta?: Record<string, unknown>,
): NewNode {
  return {
    parentId: who.nodeId,
    taskId: who.taskId,
    role: "event",
    source: "reef",
    eventType,
    content,
    meta,
  };
}

/** How a run begins: which nodes of the turn it is shown as history, and the text it is prompted with. */
export interface Opening {
  /** Nodes of the turn that are history; empty when the turn begins here. */
  history: readonly TreeNode[];
  prompt: string;
}

/**
 * A turn that had nothing yet is prompted with its text. Steering that came before the first run is the newest
 * text; one that was interrupted goes on from what it has.
 */
export function opening(turn: readonly TreeNode[]): Opening {
  const [user, ...later] = turn;
  if (!user) throw new Error("A turn has a user node.");
  if (later.some(isWork)) return { history: turn, prompt: resumePrompt(later) };
  const steers = later.filter((node) => node.eventType === "steer");
  const last = steers.at(-1);
  if (!last) return { history: [], prompt: user.content };
  return { history: [user, ...steers.slice(0, -1)], prompt: last.content };
}

function isWork(node: TreeNode): boolean {
  return node.role === "assistant" || node.role === "tool_call" || node.eventType === "answer";
}

function resumePrompt(nodes: readonly TreeNode[]): string {
  const answers = answersOf(nodes).map(
    ({ request, answer }) => `You asked: ${request.title}. Answer: ${textOfAnswer(answer)}`,
  );
  return [RESUME_TEXT, ...answers].join("\n");
}
