// Routes of tools: the list that agents register from, and the call that runs one for the calling agent.
import type { Context, Hono } from "hono";
import { noTimeout, readBody, sse } from "../core/http.js";
import type { ToolResult } from "../core/types.js";
import type { ReefParts } from "./parts.js";
import { ToolCallBody } from "./schemas.js";

export function addToolRoutes(routes: Hono, parts: ReefParts): void {
  const { tools } = parts;

  routes.get("/tools", (c) => {
    const etag = `"${tools.version}"`;
    c.header("ETag", etag);
    if (matches(c.req.header("If-None-Match"), etag)) return c.body(null, 304);
    const list = tools.list();
    return c.json({ tools: list, count: list.length, version: tools.version });
  });

  routes.post("/tools/:name", async (c) => {
    const name = c.req.param("name");
    const { params, toolCallId } = await readBody(c, ToolCallBody);
    tools.check(name, params);
    noTimeout(c);
    const cause = await causeOfCall(parts, toolCallId);
    const run: RunTool = (signal, onUpdate) => {
      const call = { params, toolCallId: toolCallId ?? crypto.randomUUID(), ctx: toolContext(parts, cause) };
      const start = () => tools.run(name, { ...call, signal, onUpdate });
      return cause === null ? start() : parts.context().withCause(cause, start);
    };
    if (c.req.header("Accept")?.includes("text/event-stream")) return streamed(c, run, () => tools.version);
    return c.json(await run(c.req.raw.signal));
  });
}

/** From a task, the call is looked up in its own turn and awaited; from others the id only reaches the tool. */
async function causeOfCall(parts: ReefParts, toolCallId: string | undefined): Promise<string | null> {
  const caller = parts.caller();
  if (toolCallId === undefined || caller.kind !== "task") return parts.cause();
  return parts.callers.callOf(caller, toolCallId);
}

function toolContext(parts: ReefParts, nodeId: string | null) {
  const { agentName, taskId } = parts.caller();
  return {
    cwd: parts.context().config.dir,
    agentName: agentName ?? "server",
    ...(taskId !== undefined && { taskId }),
    ...(nodeId !== null && { nodeId }),
  };
}

type RunTool = (signal: AbortSignal, onUpdate?: (partial: ToolResult) => void) => Promise<ToolResult>;

/** Updates as they come, then the result. The client going away aborts the tool. */
function streamed(c: Context, run: RunTool, version: () => string): Response {
  return sse(
    c,
    async (stream) => {
      const onUpdate = (partialResult: ToolResult) => {
        stream.send({ data: { type: "update", partialResult } });
      };
      const result = await run(stream.signal, onUpdate);
      // The agent is told of a changed list with the result that it waits for anyway.
      stream.send({ data: { type: "result", result, toolsVersion: version() } });
    },
    { heartbeat: "ping" },
  );
}

function matches(header: string | undefined, etag: string): boolean {
  return (
    header?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*") === true
  );
}
