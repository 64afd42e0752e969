// The agents that work right now: what each is doing, its events, and how to steer or end it.
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";

export default {
  name: "agent",
  description: "Agent task management",
  routeDocs,
  init(this: ServiceModule, ctx) {
    this.routes = createRoutes(ctx);
  },
} satisfies ServiceModule;
