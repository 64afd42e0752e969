// The route on which agents elsewhere report what they do.
import type { Hono } from "hono";
import { readBody } from "../core/http.js";
import type { ReefParts } from "./parts.js";
import { AgentEventsBody } from "./schemas.js";

export function addAgentRoutes(routes: Hono, parts: ReefParts): void {
  routes.post("/agent-events", async (c) => {
    const { session, events } = await readBody(c, AgentEventsBody);
    const from = { session, caller: parts.caller(), causeId: parts.cause() };
    return c.json({ accepted: parts.live().sessions.report(from, events) }, 202);
  });
}
