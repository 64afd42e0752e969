// The registry as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, listToolAnswer, type ToolFailure, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { ROLES, STATUSES, type Vm } from "./vm.js";

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

const Role = Type.Union(ROLES.map((role) => Type.Literal(role)));
const Status = Type.Union(STATUSES.map((status) => Type.Literal(status)));
const Limit = Type.Optional(Type.Integer({ minimum: 1, description: "At most so many" }));

interface Page {
  vms: Vm[];
  total?: number;
  cursor?: string | null;
}

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "registry_register",
    label: "Registry: register",
    description:
      "Registers a machine, so that others find it by its role. Use it for machines that you start; an agent with the extension registers its own.",
    parameters: Type.Object({
      id: Type.String({ description: "The machine's own id" }),
      name: Type.String(),
      role: Role,
      address: Type.String({ description: "Host name or address at which others reach it" }),
      services: optionalServices(),
      registeredBy: Type.Optional(Type.String({ description: "You, when left out" })),
    }),
    execute: (_id, { registeredBy = client.agentName, ...vm }) =>
      toolAnswer(
        client,
        async () => {
          const body = { registeredBy, ...vm };
          return jsonAnswer(client, "vm", await client.api("POST", "/registry/vms?upsert=true", body));
        },
        { advice: whenTaken },
      ),
  });
  pi.registerTool({
    name: "registry_list",
    label: "Registry: list",
    description:
      "Lists machines, newest first: all of them, or those of a role or status. With status running, those that fell silent are left out.",
    ...READ_ONLY,
    parameters: Type.Object({ role: Type.Optional(Role), status: Type.Optional(Status), limit: Limit }),
    execute: (_id, query) =>
      toolAnswer(client, async () => {
        const page = await client.api<Page>("GET", `/registry/vms?${searchOf({ total: true, ...query })}`);
        return listed(client, page, "pass limit, role or status");
      }),
  });
  pi.registerTool({
    name: "registry_discover",
    label: "Registry: discover",
    description: "Finds the machines of a role that run and were seen in the last five minutes.",
    ...READ_ONLY,
    parameters: Type.Object({ role: Role, limit: Limit }),
    execute: (_id, { role, limit }) =>
      toolAnswer(client, async () => {
        const { vms } = await client.api<Page>("GET", `/registry/discover/${role}`);
        return listed(client, { vms: vms.slice(0, limit), total: vms.length }, "pass limit");
      }),
  });
  pi.registerTool({
    name: "registry_heartbeat",
    label: "Registry: heartbeat",
    description:
      "Says that a machine is still there. One that is not heard of for five minutes counts as stale.",
    parameters: Type.Object({ id: Type.String({ description: "The machine's id" }) }),
    execute: (_id, { id }) =>
      toolAnswer(
        client,
        async () => {
          const path = `/registry/vms/${encodeURIComponent(id)}/heartbeat`;
          return jsonAnswer(client, "result", await client.api("POST", path));
        },
        { advice: ({ status }) => (status === 404 ? "register it with registry_register" : undefined) },
      ),
  });
}

function optionalServices() {
  return Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        port: Type.Integer({ minimum: 1, maximum: 65_535 }),
        protocol: Type.Optional(Type.String()),
      }),
      { description: "What listens there" },
    ),
  );
}

function whenTaken({ status }: ToolFailure): string | undefined {
  if (status !== 409) return undefined;
  return "somebody else registered this id and is still there; take another id, or wait until it is stopped or stale";
}

function listed(client: FleetClient, { vms, total, cursor }: Page, more: string) {
  return listToolAnswer(client, "result", {
    items: vms,
    ...(total !== undefined && { total }),
    more: () => more,
    details: (shown) => ({ vms: shown, count: shown.length, ...(cursor !== undefined && { cursor }) }),
  });
}

function searchOf(query: Record<string, string | number | boolean | undefined>): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}
