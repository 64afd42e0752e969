// Pure: the nodes of past turns → the user, assistant and tool-result messages that stand for them in pi's context.
import { labelOf, type RawNode } from "../tree/node.js";
import { type HistoryMessage, replyOf, resultOf } from "./reply.js";

/** What the model is told of a turn's own bookkeeping, and in which words. */
const TOLD: Record<string, (node: RawNode) => string> = {
  steer: (node) => node.content,
  tools_changed: (node) => node.content,
  task_error: labelled,
  task_cancelled: labelled,
  task_interrupted: labelled,
};

/**
 * `nodes` are whole turns in order. `repliedTo` names the nodes to which a later turn replied: an event among them
 * is told whatever it is.
 */
export function historyOf(nodes: readonly RawNode[], repliedTo: ReadonlySet<string>): HistoryMessage[] {
  const results = new Map<string, RawNode>();
  for (const node of nodes)
    if (node.role === "tool_result" && node.parentId) results.set(node.parentId, node);
  return stepsOf(nodes, results, repliedTo).flatMap((step) =>
    Array.isArray(step) ? modelStep(step, results) : [userMessage(step.node, step.text)],
  );
}

/** Either something said to the model, or one message of the model: its nodes. */
type Step = { node: RawNode; text: string } | RawNode[];

function stepsOf(
  nodes: readonly RawNode[],
  results: ReadonlyMap<string, RawNode>,
  repliedTo: ReadonlySet<string>,
): Step[] {
  const steps: Step[] = [];
  let turnId: string | undefined;
  let messageOf = messagesByIteration(steps, results);
  for (const node of nodes) {
    if (node.role === "user") {
      turnId = node.id;
      messageOf = messagesByIteration(steps, results);
      steps.push({ node, text: node.content });
    } else if (node.role === "assistant" || node.role === "tool_call") {
      messageOf(node).push(node);
    } else if (node.role === "event") {
      const text = textOfEvent(node, turnId, repliedTo);
      if (text !== undefined) steps.push({ node, text });
    }
  }
  return steps;
}

/**
 * Finds the message to which a node of a turn belongs, and adds a new one to the steps when there is none. Imported
 * nodes have no iteration: there, calls that follow each other without a result in between are one message.
 */
function messagesByIteration(
  steps: Step[],
  results: ReadonlyMap<string, RawNode>,
): (node: RawNode) => RawNode[] {
  const byIteration = new Map<unknown, RawNode[]>();
  return (node) => {
    const iteration = node.meta?.iteration;
    const known = byIteration.get(iteration);
    if (known && (iteration !== undefined || joins(node, known, results))) return known;
    const message: RawNode[] = [];
    byIteration.set(iteration, message);
    steps.push(message);
    return message;
  };
}

function joins(node: RawNode, message: readonly RawNode[], results: ReadonlyMap<string, RawNode>): boolean {
  const isAnswered = (call: RawNode) => (results.get(call.id)?.seq ?? Number.POSITIVE_INFINITY) < node.seq;
  return node.role === "tool_call" && !message.some(isAnswered);
}

/** reef's own events stand directly under the turn's `user` node; a service's event of that name does not count. */
function textOfEvent(
  node: RawNode,
  turnId: string | undefined,
  repliedTo: ReadonlySet<string>,
): string | undefined {
  const isOwn = node.parentId === turnId && (node.source === undefined || node.source === "reef");
  const tell = isOwn ? TOLD[node.eventType ?? ""] : undefined;
  return tell?.(node) ?? (repliedTo.has(node.id) ? labelled(node) : undefined);
}

function labelled(node: RawNode): string {
  return `[${labelOf(node)}] ${node.content}`;
}

function userMessage(node: RawNode, text: string): HistoryMessage {
  const content = [{ type: "text", text }];
  return { id: node.id, message: { role: "user", content, timestamp: node.timestamp } };
}

/** A message of the model and the results of all its calls, in the order of the calls, as providers want them. */
function modelStep(nodes: readonly RawNode[], results: ReadonlyMap<string, RawNode>): HistoryMessage[] {
  const reply = replyOf(nodes);
  if (!reply) return [];
  return [reply.message, ...reply.calls.map((call) => resultOf(call, results.get(call.id)))];
}
