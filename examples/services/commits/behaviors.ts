// What the ledger hears of an agent: each snapshot that it takes of a VM is recorded by itself.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createSessionAttempt } from "#core/http.js";
import type { FleetClient } from "#core/types.js";

const TOOL = "vers_vm_commit";
const ALREADY_RECORDED = 409;
/** Calls whose results have not come; more than an agent makes at once. */
const CALLS_MAX = 100;

const Named = {
  commitId: Type.Object({ commitId: Type.String() }),
  commit_id: Type.Object({ commit_id: Type.String() }),
  vmId: Type.Object({ vmId: Type.String() }),
  vm_id: Type.Object({ vm_id: Type.String() }),
} satisfies Record<string, TSchema>;
const Text = Type.Object({ type: Type.Literal("text"), text: Type.String() });
const Failure = Type.Object({ status: Type.Literal(ALREADY_RECORDED) });

/** As the tool says it: `VM <id> committed: <commit>`. */
const SENTENCE = /\bVM (\S+) committed: (\S+)/;

export function registerBehaviors(pi: ExtensionAPI, client: FleetClient): void {
  const attempt = createSessionAttempt();
  /** A result does not always come with what the tool was called with. */
  const vms = new Map<string, string>();

  pi.on("tool_call", ({ toolName, toolCallId, input }) => {
    const vmId = toolName === TOOL ? vmIn(input) : undefined;
    if (vmId !== undefined && vms.size < CALLS_MAX) vms.set(toolCallId, vmId);
  });
  pi.on("tool_result", async ({ toolName, toolCallId, isError, input, details, content }) => {
    if (toolName !== TOOL) return;
    const called = vmIn(input) ?? vms.get(toolCallId);
    vms.delete(toolCallId);
    const [, toldVm, toldCommit] = SENTENCE.exec(textOf(content)) ?? [];
    const commitId = commitIn(details) ?? toldCommit;
    const vmId = vmIn(details) ?? called ?? toldVm;
    if (isError || commitId === undefined || vmId === undefined) return;
    await attempt(() => record(client, { commitId, vmId }));
  });
}

/** Whoever has recorded it before has said more of it. */
async function record(client: FleetClient, snapshot: { commitId: string; vmId: string }): Promise<void> {
  try {
    await client.api("POST", "/commits", { ...snapshot, agent: client.agentName });
  } catch (error) {
    if (!Value.Check(Failure, error)) throw error;
  }
}

function commitIn(value: unknown): string | undefined {
  if (Value.Check(Named.commitId, value)) return value.commitId;
  return Value.Check(Named.commit_id, value) ? value.commit_id : undefined;
}

function vmIn(value: unknown): string | undefined {
  if (Value.Check(Named.vmId, value)) return value.vmId;
  return Value.Check(Named.vm_id, value) ? value.vm_id : undefined;
}

function textOf(content: unknown): string {
  const parts = Array.isArray(content) ? content : [];
  return parts.map((part) => (Value.Check(Text, part) ? part.text : "")).join("\n");
}
