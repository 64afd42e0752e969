// The journal as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "journal_entry",
    label: "Journal: entry",
    description:
      "Writes into your journal: what you make of the work, in your own words. Use it for reflections; facts and decisions belong in the log.",
    parameters: Type.Object({
      text: Type.String({ description: "What you want to remember" }),
      mood: Type.Optional(Type.String({ description: "One word" })),
      tags: Type.Optional(Type.Array(Type.String())),
    }),
    execute: (_id, entry) =>
      toolAnswer(client, async () => {
        const author = client.agentName;
        return jsonAnswer(client, "entry", await client.api("POST", "/journal", { ...entry, author }));
      }),
  });
}
