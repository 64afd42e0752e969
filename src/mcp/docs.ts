// What the documentation says of the routes of /mcp.
import type { RouteDocs } from "../core/types.js";

export const routeDocs: Record<string, RouteDocs> = {
  "POST /": {
    summary: "Send one JSON-RPC message of the Model Context Protocol",
    detail:
      "Streamable HTTP: `Accept` names application/json and text/event-stream. The first message is initialize, whose answer carries the header Mcp-Session-Id; all later ones send it back. A session is its caller's alone and ends after 30 minutes without use.",
    body: {
      jsonrpc: { type: "string", required: true, description: "2.0" },
      method: { type: "string", description: "initialize, tools/list, tools/call, resources/read, …" },
      id: { type: "string", description: "Text or number; absent in a notification" },
      params: { type: "object", description: "What the method takes" },
    },
    response: "text/event-stream with the answer, or 202 for a notification",
  },
  "GET /": {
    summary: "Stream of what the server says by itself",
    detail: "Tells when the lists of tools and of prompts change. One stream for each session.",
    response: "text/event-stream",
  },
  "DELETE /": { summary: "End the session that Mcp-Session-Id names" },
};
