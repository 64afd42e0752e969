// The ledger as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, listToolAnswer, type ToolAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { ROLES } from "./vm.js";

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

const range = Type.Optional(
  Type.String({ description: "How far back, such as 30m, 12h, 7d, 4w; all for everything" }),
);
const agent = Type.Optional(Type.String({ description: "Only of this agent" }));
const limit = Type.Optional(Type.Integer({ minimum: 1, description: "At most so many; 1000 when left out" }));

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "usage_summary",
    label: "Usage: summary",
    description:
      "Adds up what agents spent in tokens and dollars, by agent, model and task. Use it before and after expensive work, and to keep a budget.",
    ...READ_ONLY,
    parameters: Type.Object({ range }),
    execute: (_id, query) =>
      toolAnswer(client, async () =>
        jsonAnswer(client, "summary", await client.api("GET", `/usage?${searchOf(query)}`)),
      ),
  });
  pi.registerTool({
    name: "usage_sessions",
    label: "Usage: sessions",
    description: "Lists sessions of agents with their tokens, cost, turns and tool calls, newest first.",
    ...READ_ONLY,
    parameters: Type.Object({ agent, range, limit }),
    execute: (_id, query) => toolAnswer(client, () => list(client, "sessions", query)),
  });
  pi.registerTool({
    name: "usage_vms",
    label: "Usage: VMs",
    description: "Lists the machines that agents created, newest first, and when they were destroyed.",
    ...READ_ONLY,
    parameters: Type.Object({
      role: Type.Optional(Type.Union(ROLES.map((role) => Type.Literal(role)))),
      agent,
      range,
      limit,
    }),
    execute: (_id, query) => toolAnswer(client, () => list(client, "vms", query)),
  });
}

type Query = Record<string, string | number | undefined>;

async function list(client: FleetClient, key: "sessions" | "vms", query: Query): Promise<ToolAnswer> {
  const path = `/usage/${key}?total=true&${searchOf(query)}`;
  const page = await client.api<Record<typeof key, unknown[]> & { total: number }>("GET", path);
  return listToolAnswer(client, "result", {
    items: page[key],
    total: page.total,
    more: () => "pass a shorter range, an agent, or a limit",
    details: (shown) => ({ [key]: shown, count: shown.length, total: page.total }),
  });
}

function searchOf(query: Query): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}
