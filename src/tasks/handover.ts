// What a run starts with: the path as a session file, the text to prompt, the model, and who it acts as.
import { sessionFile, systemPromptOf } from "../agent/session.js";
import type { Caller } from "../core/types.js";
import type { RawNode } from "../tree/node.js";
import { type ModelRef, parseModel, type TurnPorts } from "./ports.js";
import type { TurnIdentity } from "./record.js";
import { opening } from "./restart.js";
import type { TaskState, TurnState } from "./status.js";

export interface Handover {
  model: ModelRef;
  thinking?: string;
  /** The text of the session file for a process. */
  session(runId: string): string;
  prompt: string;
  caller: Caller;
  /** The name of the task that submitted this one. */
  parentAgent?: string;
  /** The nodes that the turn had before this run. */
  before: RawNode[];
}

export async function prepareHandover(ports: TurnPorts, who: TurnIdentity): Promise<Handover> {
  const [state, conversation, before] = await Promise.all([
    ports.tree.task(who.taskId),
    ports.tree.conversation(who.nodeId, { raw: true }),
    ports.tree.turn(who.nodeId, { raw: true }),
  ]);
  if (!state) throw new Error(`Task '${who.taskId}' has no state.`);
  const { turn } = state;
  const cwd = turn.cwd ?? ports.cwd;
  const first = opening(before);
  const handover = {
    v: 1,
    taskId: who.taskId,
    nodeId: who.nodeId,
    agentName: who.taskId,
    parentAgent: submitterOf(state),
    toolsVersion: ports.toolsVersion(),
    cwd,
    profile: { ...turn.profile, systemPrompt: turn.profile?.systemPrompt ?? systemPromptOf(conversation) },
    target: null,
  };
  const request = { nodes: conversation, upTo: who.nodeId, opening: first, cwd, now: ports.now() };
  return {
    model: modelOf(turn, ports.model),
    thinking: turn.thinking ?? ports.thinking,
    session: (runId) => sessionFile({ ...request, handover: { ...handover, runId } }).text,
    prompt: first.prompt,
    caller: callerOf(who, turn),
    parentAgent: handover.parentAgent,
    before,
  };
}

export function modelOf(turn: { model?: string }, fallback: ModelRef): ModelRef {
  return (turn.model === undefined ? undefined : parseModel(turn.model)) ?? fallback;
}

/** The name of the task that submitted this one. */
export function submitterOf(state: TaskState): string | undefined {
  const [kind, name] = state.turn.submittedBy.split(/:(.*)/s);
  return kind === "task" ? name : undefined;
}

function callerOf(who: TurnIdentity, turn: TurnState): Caller {
  return {
    kind: "task",
    agentName: who.taskId,
    agentRole: "worker",
    taskId: who.taskId,
    nodeId: who.nodeId,
    scopes: turn.scopes,
  };
}
