// Reports as agents use them.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import type { Report } from "./report.js";

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "reports_create",
    label: "Reports: create",
    description:
      "Keeps a finished piece of work for people to read: an analysis, a review, a summary. Write Markdown. Short news belong in the feed, steps in the log. Never put secrets in it.",
    parameters: Type.Object({
      title: Type.String({ description: "What it is about, in one line" }),
      content: Type.String({ description: "Markdown; raw HTML is shown as text" }),
      tags: Type.Optional(Type.Array(Type.String())),
      author: Type.Optional(Type.String({ description: "Who wrote it; you, when left out" })),
    }),
    execute: (_id, { author = client.agentName, ...report }) =>
      toolAnswer(client, async () =>
        created(client, await client.api("POST", "/reports", { author, ...report })),
      ),
  });
  pi.registerTool({
    name: "reports_share",
    label: "Reports: share",
    description:
      "Makes a link with which anybody can read a report, without signing in. Use it only when you were asked to share, and set an expiry.",
    parameters: Type.Object({
      id: Type.String({ description: "The report's id" }),
      label: Type.Optional(Type.String({ description: "For whom the link is" })),
      expiresAt: Type.Optional(Type.String({ description: "When it ends, such as 2026-01-31T09:00:00Z" })),
    }),
    execute: (_id, { id, ...share }) =>
      toolAnswer(
        client,
        async () => {
          const path = `/reports/${encodeURIComponent(id)}/share`;
          const body = { createdBy: client.agentName, ...share };
          return jsonAnswer(client, "share", await client.api("POST", path, body));
        },
        { advice: ({ status }) => (status === 404 ? "use the id that reports_create answered" : undefined) },
      ),
  });
}

/** The model has just written the content, so the text leaves it out. */
function created(client: FleetClient, report: Report) {
  const { content: _, ...head } = report;
  return client.ok(JSON.stringify(head, null, 2), { report });
}
