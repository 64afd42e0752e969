// One beginning and one end for each prompt. pi works in loops and tells extensions of each as if it were the whole: for a
// retry, and after a compaction, another one follows, and nothing says so when a loop ends.
import {
  type AgentEndEvent,
  type AgentStartEvent,
  type ExtensionAPI,
  type ExtensionContext,
  SettingsManager,
} from "@mariozechner/pi-coding-agent";

/** Until a compaction that a loop has made necessary begins. */
const COMPACTION_BEGINS_MS = 250;
/** A compaction asks the model; one that fails tells nobody. */
const COMPACTION_ENDS_MS = 5 * 60_000;
/** What follows a compaction follows at once. */
const AFTER_COMPACTION_MS = 1_000;
/** How much later than announced a retry may begin on a busy machine. */
const RETRY_LATE_MS = 3_000;

export type PromptEvent = AgentStartEvent | AgentEndEvent;

export interface RetrySettings {
  enabled: boolean;
  maxRetries: number;
  /** Doubles with each try. */
  baseDelayMs: number;
}

interface LoopOptions {
  retries?: (ctx: ExtensionContext) => RetrySettings;
  /** Returns its undo. */
  after?: (fn: () => unknown, ms: number) => () => void;
}

/** `tell` hears `agent_start` when a prompt is begun, and `agent_end`, with all its messages, when nothing follows any more. */
export function hearPrompts(
  pi: ExtensionAPI,
  tell: (event: PromptEvent, ctx: ExtensionContext) => unknown,
  { retries = retrySettings, after = afterUnlessGone }: LoopOptions = {},
): void {
  let isOn = false;
  let messages: AgentEndEvent["messages"] = [];
  let failures = 0;
  let waiting: { ctx: ExtensionContext; stop(): void } | undefined;

  function wait(ctx: ExtensionContext, ms: number): void {
    waiting?.stop();
    waiting = { ctx, stop: after(end, ms) };
  }

  async function end(): Promise<void> {
    if (!waiting) return;
    const { ctx, stop } = waiting;
    const event: AgentEndEvent = { type: "agent_end", messages };
    stop();
    [waiting, isOn, messages, failures] = [undefined, false, [], 0];
    await tell(event, ctx);
  }

  pi.on("before_agent_start", end);
  pi.on("agent_start", async (event, ctx) => {
    waiting?.stop();
    waiting = undefined;
    if (isOn) return;
    isOn = true;
    await tell(event, ctx);
  });
  pi.on("agent_end", (event, ctx) => {
    messages = [...messages, ...event.messages];
    failures = hasFailed(event) ? failures + 1 : 0;
    wait(ctx, failures > 0 ? untilRetry(retries(ctx), failures) : COMPACTION_BEGINS_MS);
  });
  pi.on("session_before_compact", (_event, ctx) => {
    // A context that was too large is no failure that pi counts.
    failures = Math.max(0, failures - 1);
    if (waiting) wait(ctx, COMPACTION_ENDS_MS);
  });
  pi.on("session_compact", (_event, ctx) => {
    if (waiting) wait(ctx, AFTER_COMPACTION_MS);
  });
  pi.on("session_shutdown", end);
}

function hasFailed({ messages }: AgentEndEvent): boolean {
  const last = messages.findLast(({ role }) => role === "assistant");
  return last?.role === "assistant" && last.stopReason === "error";
}

function untilRetry({ enabled, maxRetries, baseDelayMs }: RetrySettings, failures: number): number {
  const isRetried = enabled && failures <= maxRetries;
  return isRetried ? baseDelayMs * 2 ** (failures - 1) + RETRY_LATE_MS : COMPACTION_BEGINS_MS;
}

/** As they are now: they may be changed in the middle of a session. */
function retrySettings({ cwd }: ExtensionContext): RetrySettings {
  return SettingsManager.create(cwd).getRetrySettings();
}

function afterUnlessGone(fn: () => unknown, ms: number): () => void {
  const timer = setTimeout(fn, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
