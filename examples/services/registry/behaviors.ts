// What the registry learns of an agent by itself: that its machine is there, when it is done, and which machines it starts.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createSessionAttempt, isoTime } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { unlessAnswered } from "./answered.js";
import { registerChildren } from "./children.js";
import { addressOf, type Change, FINISHED, ROLES } from "./vm.js";

const BEAT_MS = 60_000;

/** A session that ends so is followed by another one of the same agent. */
const GOES_ON: ReadonlySet<unknown> = new Set(["new", "resume", "fork", "reload"]);

/** What an agent elsewhere adds to the events with which it begins. */
const Begun = Type.Object({ process: Type.Object({ pid: Type.Integer(), startedAt: Type.String() }) });
const Ended = Type.Object({ reason: Type.Optional(Type.Unknown()) });

export interface BehaviorOptions {
  /** The server's machine has an entry of its own, which is no agent's. */
  ownVmId?: string | undefined;
  /** `setInterval` of the module's context. */
  every?: (fn: () => Promise<unknown>, ms: number) => () => void;
}

export function registerBehaviors(
  pi: ExtensionAPI,
  client: FleetClient,
  options: BehaviorOptions = {},
): void {
  const { ownVmId, every = everyInPi } = options;
  registerChildren(pi, client, ownVmId);
  const { vmId } = client;
  if (vmId === undefined || vmId === ownVmId) return;
  const entry = entryOf(client, vmId);
  let stopBeating = () => {};

  pi.on("session_start", (event) => {
    entry.begun(event);
    stopBeating();
    stopBeating = every(entry.beat, BEAT_MS);
  });
  pi.on("agent_start", async (event) => {
    entry.begun(event);
    await entry.register();
  });
  pi.on("agent_end", () => entry.change({ status: "stopped", statusReason: FINISHED }));
  pi.on("session_shutdown", async (event) => {
    stopBeating();
    const isOver = !(Value.Check(Ended, event) && GOES_ON.has(event.reason));
    if (isOver) await entry.change({ status: "stopped", statusReason: "session_shutdown" });
  });
}

interface Entry {
  /** Notes what the agent says of its process. */
  begun(event: unknown): void;
  register(): Promise<void>;
  beat(): Promise<void>;
  change(change: Change): Promise<void>;
}

/** The entry of the agent's own machine. */
function entryOf(client: FleetClient, vmId: string): Entry {
  const attempt = createSessionAttempt();
  const path = `/registry/vms/${encodeURIComponent(vmId)}`;
  let metadata: Partial<Static<typeof Begun>["process"]> = { startedAt: isoTime(Date.now()) };

  async function register(): Promise<void> {
    const { agentName: name, agentRole } = client;
    const role = ROLES.find((known) => known === agentRole) ?? "custom";
    const body = { id: vmId, name, role, address: addressOf(vmId), registeredBy: name, metadata };
    // Whoever started this machine may have registered it, and that entry lives.
    await unlessAnswered(409, client.api("POST", "/registry/vms?upsert=true", body));
  }

  return {
    begun(event) {
      if (Value.Check(Begun, event))
        metadata = { pid: event.process.pid, startedAt: event.process.startedAt };
    },
    register: () => attempt(register),
    beat: () =>
      attempt(async () => {
        if (await unlessAnswered(404, client.api("POST", `${path}/heartbeat`))) return;
        await register();
      }),
    change: (change) =>
      attempt(async () => {
        await client.api("PATCH", path, change);
      }),
  };
}

/** Where pi itself runs the behaviors, a failure must not reach it, and the timer must not keep it from ending. */
function everyInPi(fn: () => Promise<unknown>, ms: number): () => void {
  const timer = setInterval(() => fn().catch((error) => console.error("registry:", error)), ms);
  timer.unref();
  return () => clearInterval(timer);
}
