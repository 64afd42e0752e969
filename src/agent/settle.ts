// Pure: when is a run over? `agent_end` alone does not say, so this small machine asks pi and listens (spec pi §5).
import type { AgentEvent } from "./protocol.js";

/**
 * `idle` nothing was prompted yet · `looping` a loop is on · `retrying` a failed loop will be tried again ·
 * `compacting` · `resuming` a loop will start by itself · `ended` no loop is on, and pi is asked whether that stays so ·
 * `settled` there is nothing more to do.
 */
export type Phase = "idle" | "looping" | "retrying" | "compacting" | "resuming" | "ended" | "settled";

export interface Settling {
  phase: Phase;
  /** Prompts sent and not answered yet: until then nothing is settled. */
  prompts: number;
  /** The number of the newest question to pi; an answer to an older one says nothing. */
  probe: number;
  /** Where a compaction came in between. */
  before: Phase;
  /** The last compaction took place, after which pi starts a loop for what is in its queue. */
  compacted: boolean;
  /** pi tells by itself when it is settled (`agent_settled`, from 0.87 on). */
  announces: boolean;
}

export type Heard =
  | { type: "prompting" | "prompted" | "refused" }
  /** pi's answer to the question with this number. */
  | { type: "state"; probe: number; streaming: boolean; compacting: boolean; pending: number }
  | AgentEvent;

export interface Step {
  state: Settling;
  /** `probe`: ask pi for its state, numbered `state.probe`. `settled`: tell it. */
  effect?: "probe" | "settled";
}

export const UNSETTLED: Settling = {
  phase: "idle",
  prompts: 0,
  probe: 0,
  before: "idle",
  compacted: false,
  announces: false,
};

export function hear(state: Settling, heard: Heard): Step {
  switch (heard.type) {
    case "prompting":
      return { state: { ...state, prompts: state.prompts + 1 } };
    case "prompted":
      return prompted({ ...state, prompts: state.prompts - 1 });
    case "refused":
      return refused({ ...state, prompts: state.prompts - 1 });
    case "state":
      return answered(state, heard);
    case "agent_start":
      return { state: { ...state, phase: "looping", compacted: false } };
    case "agent_end":
      return state.announces ? { state: { ...state, phase: "ended" } } : ended(state);
    case "auto_retry_start":
      return { state: { ...state, phase: "retrying" } };
    case "auto_retry_end":
      return heard.success ? { state } : ended(state);
    case "compaction_start":
      return { state: { ...state, phase: "compacting", before: state.phase } };
    case "compaction_end":
      return compactionEnded(state, heard);
    case "unknown":
      return heard.name === "agent_settled" ? announced(state) : { state };
    default:
      return { state };
  }
}

/** A prompt may have been an extension's command that starts no loop, so pi is asked unless something is on. */
function prompted(state: Settling): Step {
  const resting = state.phase === "idle" || state.phase === "ended" || state.phase === "settled";
  return resting ? ended(state) : { state };
}

function refused(state: Settling): Step {
  return state.phase === "ended" ? ended(state) : { state };
}

/** pi's answer comes behind a retry or compaction that belongs to this end: heard in between, it ends the question. */
function answered(state: Settling, answer: Extract<Heard, { type: "state" }>): Step {
  if (state.phase !== "ended" || state.probe !== answer.probe || state.prompts > 0) return { state };
  if (answer.streaming) return { state: { ...state, phase: "looping" } };
  if (answer.compacting) return { state: { ...state, phase: "compacting", before: "ended" } };
  if (state.compacted && answer.pending > 0) return { state: { ...state, phase: "resuming" } };
  return { state: { ...state, phase: "settled" }, effect: "settled" };
}

function compactionEnded(state: Settling, end: Extract<AgentEvent, { type: "compaction_end" }>): Step {
  const compacted = end.summary !== undefined;
  if (end.willRetry) return { state: { ...state, phase: "resuming", compacted } };
  if (state.phase === "compacting" && state.before === "looping") {
    return { state: { ...state, phase: "looping", compacted } };
  }
  return ended({ ...state, compacted });
}

function ended(state: Settling): Step {
  if (state.prompts > 0) return { state: { ...state, phase: "ended" } };
  return { state: { ...state, phase: "ended", probe: state.probe + 1 }, effect: "probe" };
}

function announced(state: Settling): Step {
  const told = state.phase === "settled" || state.phase === "idle" || state.prompts > 0;
  const next: Settling = { ...state, announces: true };
  return told ? { state: next } : { state: { ...next, phase: "settled" }, effect: "settled" };
}
