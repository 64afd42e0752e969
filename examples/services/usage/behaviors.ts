// What the ledger records of an agent by itself: what its session has spent, and the machines that it creates and
// destroys.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Value } from "@sinclair/typebox/value";
import { createSessionCall, isoTime, type SessionCall } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { machineChanges } from "./machines.js";
import type { Session } from "./session.js";
import {
  ModelMessage,
  type Spent,
  spentCall,
  spentIn,
  spentNothing,
  spentOn,
  spentTurn,
  together,
} from "./spent.js";

/** Tool calls whose results have not come yet. */
const CALLS_OPEN_MAX = 1_000;

export function registerBehaviors(pi: ExtensionAPI, client: FleetClient): void {
  const call = createSessionCall(client);
  recordSession(pi, client, call);
  recordMachines(pi, client, call);
}

/** One record for each session, however many prompts it had: each post replaces the one before. */
function recordSession(pi: ExtensionAPI, client: FleetClient, call: SessionCall): void {
  const startedAt = isoTime(Date.now());
  let spent = spentNothing();
  let posted = spent;
  let before: Before | undefined;
  let parentAgent: string | undefined;

  async function post(): Promise<void> {
    if (spent === posted || spent.model === "") return;
    const sending = spent;
    // Without what is recorded already, the record would be replaced by less than that.
    before ??= await recordedBefore(client, call);
    if (before === undefined) return;
    const body = bodyOf(together(before.spent, sending));
    const { agentName: agent, sessionId, taskId } = client;
    const who = { sessionId, agent, parentAgent: parentAgent ?? before.parentAgent, taskId };
    const when = { startedAt, endedAt: isoTime(Date.now()) };
    const answer = await call("POST", "/usage/sessions?upsert=true", { ...who, ...body, ...when });
    if (answer !== undefined) posted = sending;
  }

  pi.on("session_start", (event) => {
    parentAgent = parentIn(event);
  });
  // A turn's own event may come without its message.
  pi.on("message_end", ({ message }) => {
    if (Value.Check(ModelMessage, message)) spent = together(spent, spentOn(message));
  });
  pi.on("turn_end", () => {
    spent = together(spent, spentTurn(spent.model));
  });
  pi.on("tool_result", ({ toolName }) => {
    spent = together(spent, spentCall(toolName));
  });
  pi.on("agent_end", post);
  pi.on("session_shutdown", post);
}

/** What this session had when it was first looked at: of a session that is resumed, or was heard by another version. */
interface Before {
  spent: Spent;
  parentAgent: string | undefined;
}

/** Undefined when it cannot be read now. */
async function recordedBefore(client: FleetClient, call: SessionCall): Promise<Before | undefined> {
  const { agentName, sessionId = "", taskId } = client;
  const query = new URLSearchParams({ agent: agentName, sessionId, limit: "1" });
  const page = await call<{ sessions: Session[] }>("GET", `/usage/sessions?${query}`);
  if (page === undefined) return undefined;
  const [session] = page.sessions;
  if (session) return { spent: spentIn(session), parentAgent: session.parentAgent ?? undefined };
  return { spent: spentNothing(), parentAgent: taskId && (await submitterOf(taskId, call)) };
}

/** A task's parent is the task that submitted it. */
async function submitterOf(taskId: string, call: SessionCall): Promise<string | undefined> {
  const task = await call<{ submittedBy?: string }>("GET", `/reef/tasks/${encodeURIComponent(taskId)}`);
  return /^task:(.+)$/s.exec(task?.submittedBy ?? "")?.[1];
}

/** An agent elsewhere says itself which agent started it. */
function parentIn(event: object): string | undefined {
  return "parentAgent" in event && typeof event.parentAgent === "string" ? event.parentAgent : undefined;
}

function bodyOf({ models, ...spent }: Spent): object {
  return Object.keys(models).length > 1 ? { ...spent, models } : spent;
}

function recordMachines(pi: ExtensionAPI, client: FleetClient, call: SessionCall): void {
  /** What calls were given: results of reef's own tasks do not repeat it. */
  const inputs = new Map<string, unknown>();
  pi.on("tool_call", ({ toolCallId, toolName, input }) => {
    if (toolName.startsWith("vers_vm_") && inputs.size < CALLS_OPEN_MAX) inputs.set(toolCallId, input);
  });
  pi.on(
    "tool_result",
    async ({ toolCallId, toolName, input = inputs.get(toolCallId), content, details, isError }) => {
      inputs.delete(toolCallId);
      if (isError) return;
      const now = isoTime(Date.now());
      for (const { isDestroyed, ...change } of machineChanges({ toolName, input, content, details })) {
        const times = { createdAt: now, ...(isDestroyed && { destroyedAt: now }) };
        await call("POST", "/usage/vms", { ...change, agent: client.agentName, ...times });
      }
    },
  );
}
