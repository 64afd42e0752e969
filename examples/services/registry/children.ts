// Machines that an agent starts and ends: what other extensions say of them is kept in the registry.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createSessionAttempt } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { unlessAnswered } from "./answered.js";
import { addressOf, type Role } from "./vm.js";

const STARTED: Readonly<Record<string, Role>> = {
  "vers:agent_spawned": "worker",
  "vers:lt_created": "lieutenant",
};
const ENDED = ["vers:agent_destroyed", "vers:lt_destroyed"];

const Text = Type.String({ minLength: 1 });
const Child = Type.Object({
  vmId: Text,
  name: Type.Optional(Text),
  label: Type.Optional(Text),
  address: Type.Optional(Text),
});

/** `ownVmId`: the server's machine is nobody's child. */
export function registerChildren(pi: ExtensionAPI, client: FleetClient, ownVmId: string | undefined): void {
  const attempt = createSessionAttempt();

  for (const [event, role] of Object.entries(STARTED)) {
    pi.events.on(event, async (data) => {
      if (!Value.Check(Child, data) || data.vmId === ownVmId) return;
      const { vmId: id, label = id, name = label, address = addressOf(id) } = data;
      const registeredBy = client.agentName;
      const body = { id, name, role, address, registeredBy, metadata: { registeredVia: event } };
      // It may have been there sooner, and have registered itself.
      await attempt(() => unlessAnswered(409, client.api("POST", "/registry/vms?upsert=true", body)));
    });
  }
  for (const event of ENDED) {
    pi.events.on(event, async (data) => {
      if (!Value.Check(Child, data) || data.vmId === ownVmId) return;
      const path = `/registry/vms/${encodeURIComponent(data.vmId)}`;
      await attempt(() => unlessAnswered(404, client.api("DELETE", path)));
    });
  }
}
