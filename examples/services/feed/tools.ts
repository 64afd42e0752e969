// The feed as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, listToolAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { type FeedEvent, TYPES } from "./event.js";

const PUBLISHED = TYPES.filter((type) => type !== "token_update");

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "feed_publish",
    label: "Feed: publish",
    description:
      "Publishes an event that people and other agents should see now: a finding, a question, a blocker, a result. Keep the summary to one sentence.",
    parameters: Type.Object({
      type: Type.Union(PUBLISHED.map((type) => Type.Literal(type))),
      summary: Type.String({ description: "One sentence" }),
      detail: Type.Optional(Type.String({ description: "What else there is to know" })),
      agent: Type.Optional(Type.String({ description: "Who reports; you, when left out" })),
    }),
    execute: (_id, { agent = client.agentName, ...event }) =>
      toolAnswer(client, async () =>
        jsonAnswer(client, "event", await client.api("POST", "/feed/events", { agent, ...event })),
      ),
  });
  pi.registerTool({
    name: "feed_list",
    label: "Feed: list",
    description:
      "Lists recent events of the fleet, newest first. Use it to see what others did or reported before you start or decide.",
    ...READ_ONLY,
    parameters: Type.Object({
      agent: Type.Optional(Type.String({ description: "Only of this agent" })),
      type: Type.Optional(Type.Union(TYPES.map((type) => Type.Literal(type)))),
      limit: Type.Optional(Type.Integer({ minimum: 1, description: "At most so many; 50 when left out" })),
      before: Type.Optional(Type.String({ description: "Only events older than the one with this id" })),
    }),
    execute: (_id, query) => toolAnswer(client, () => list(client, query)),
  });
  pi.registerTool({
    name: "feed_stats",
    label: "Feed: stats",
    description: "Counts the events of the fleet by agent and type, with the latest of each agent.",
    ...READ_ONLY,
    parameters: Type.Object({}),
    execute: () =>
      toolAnswer(client, async () => jsonAnswer(client, "stats", await client.api("GET", "/feed/stats"))),
  });
}

async function list(client: FleetClient, query: Record<string, string | number | undefined>) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const events = await client.api<FeedEvent[]>("GET", `/feed/events?${search}`);
  return listToolAnswer(client, "events", {
    items: events.reverse(),
    more: ({ id }) => `pass before: "${id}"`,
  });
}
