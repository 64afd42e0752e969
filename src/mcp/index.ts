// The built-in module at /mcp: reef's tools, tasks, nodes and skills for every client of the Model Context Protocol.
import { Hono } from "hono";
import type { ServiceContext, ServiceModule } from "../core/types.js";
import type { TreeNode } from "../tree/node.js";
import { routeDocs } from "./docs.js";
import type { Endpoint } from "./endpoint.js";
import type { McpServices } from "./parts.js";
import { createSkills } from "./skills.js";

const SWEEP_MS = 60_000;
const TURN_ENDS = new Set(["task_done", "task_error", "task_cancelled", "task_interrupted"]);

export function createMcpModule(services: McpServices): ServiceModule {
  let context: ServiceContext | undefined;
  let opening: Promise<Endpoint> | undefined;

  function endpoint(): Promise<Endpoint> {
    opening ??= open(services, context);
    return opening;
  }

  /** Nothing to do while no session was ever opened. */
  async function withSessions(work: (sessions: Endpoint["sessions"]) => Promise<void>): Promise<void> {
    if (opening) await work((await opening).sessions);
  }

  const tell = () => withSessions((sessions) => sessions.tell());
  const endIdle = () => withSessions((sessions) => sessions.endIdle());
  const endAll = () => withSessions((sessions) => sessions.endAll());
  const endOf = ({ eventType = "", taskId }: TreeNode) => {
    if (taskId !== undefined && TURN_ENDS.has(eventType)) return withSessions((all) => all.endOf(taskId));
  };

  const routes = new Hono();
  routes.post("/", async (c) => (await endpoint()).post(c));
  routes.get("/", async (c) => (await endpoint()).listen(c));
  routes.delete("/", async (c) => (await endpoint()).leave(c));

  return {
    name: "mcp",
    description: "Tools, tasks and skills for clients of the Model Context Protocol",
    routes,
    routeDocs,
    init(ctx) {
      context = ctx;
      for (const change of ["module:added", "module:updated", "module:removed"]) ctx.events.on(change, tell);
      ctx.events.on("reef:node", endOf);
      ctx.setInterval(endIdle, SWEEP_MS);
      services.stopping.addEventListener("abort", endAll);
      ctx.onDispose("sessions", () => {
        services.stopping.removeEventListener("abort", endAll);
        return endAll();
      });
    },
  };
}

async function open(services: McpServices, context: ServiceContext | undefined): Promise<Endpoint> {
  if (!context) throw new Error("The module 'mcp' is not initialised.");
  // Loaded when it is asked for: the SDK takes an eighth of a second and 25 MB, which most starts can do without.
  const { openEndpoint } = await import("./endpoint.js");
  return openEndpoint({ ...services, context, skills: createSkills(services.skillsDir, context.log) });
}
