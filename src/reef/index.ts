// The built-in module at /reef: tasks, the tree, its events and the tools, wired to what the composition root hands in.
import { Hono } from "hono";
import { openIdempotencyKeys } from "../core/http.js";
import type { ServiceModule } from "../core/types.js";
import type { NewNode } from "../tree/node.js";
import { addAgentRoutes } from "./agent-routes.js";
import { createAgentSessions } from "./agent-sessions.js";
import { eventNode } from "./causes.js";
import { routeDocs } from "./docs.js";
import { addEventRoutes } from "./event-routes.js";
import { liveFrame } from "./live-frames.js";
import { type Live, partsOf, type ReefServices } from "./parts.js";
import { addRefRoutes } from "./ref-routes.js";
import { addRunRoutes } from "./run-routes.js";
import { addSearchRoutes } from "./search-routes.js";
import { addTaskRoutes } from "./task-routes.js";
import { addToolRoutes } from "./tool-routes.js";
import { registerReefTools } from "./tools.js";
import { addTreeRoutes } from "./tree-routes.js";
import { createWidget } from "./widget.js";

export function createReefModule(services: ReefServices): ServiceModule {
  let live: Live | undefined;
  const parts = partsOf(services, () => {
    if (!live) throw new Error("The module 'reef' is not initialised.");
    return live;
  });

  const routes = new Hono();
  addTaskRoutes(routes, parts);
  addRunRoutes(routes, parts);
  addTreeRoutes(routes, parts);
  addRefRoutes(routes, parts);
  addSearchRoutes(routes, parts);
  addEventRoutes(routes, parts);
  addToolRoutes(routes, parts);
  addAgentRoutes(routes, parts);
  const widget = createWidget(services);
  routes.get("/widget", async (c) => c.json({ lines: await widget() }));
  routes.get("/state", async (c) => c.json(await stateOf(services)));

  return {
    name: "reef",
    description: "Event tree, task submission, SSE stream",
    routes,
    routeDocs,
    registerTools: registerReefTools({ ...services, tools: () => services.tools.list() }),
    init(ctx) {
      const sessions = createAgentSessions({ open: services.openSession, after: ctx.setTimeout });
      live = { context: ctx, keys: openIdempotencyKeys(ctx), sessions };
      ctx.onDispose("sessions of agents elsewhere", sessions.close);
      // Handlers run with the cause of whoever fired the event, so it hangs where it belongs.
      ctx.events.on("reef:event", services.record);
      ctx.events.on("reef:frame", (given: unknown) => {
        const frame = liveFrame(given);
        if (frame) services.stream.send(services.redact(frame));
      });
      ctx.onDispose("event stream", services.stream.close);
    },
  };
}

/** Appends what a service fired; the composition root hands it to the kernel as `record`. */
export function recordEvent(
  tree: ReefServices["tree"],
  event: unknown,
  origin: Parameters<typeof eventNode>[2],
): Promise<{ nodeId: string; parentId: string; seq: number }> {
  return tree
    .commit((tx) => ({ nodes: [eventNode(tx, event, origin) satisfies NewNode] }))
    .then(([node]) => {
      if (!node) throw new Error("The event committed no node.");
      return { nodeId: node.id, parentId: node.parentId ?? node.id, seq: node.seq };
    });
}

async function stateOf({ tree, modules }: ReefServices) {
  const { nodes, tasks, byStatus, seq } = await tree.counts();
  const count = (status: string) => byStatus[status] ?? 0;
  return {
    mode: "agent",
    activeTasks: count("running") + count("waiting"),
    queuedTasks: count("queued"),
    totalTasks: tasks,
    totalNodes: nodes,
    seq,
    services: modules().map(({ name }) => name),
  };
}
