// The documentation: every live service with its routes, for people (a page), for programs (JSON) and for tools (OpenAPI).
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { reportStaleDocs } from "./stale-docs.js";

export default {
  name: "docs",
  description: "Documentation of all live services",
  requiresAuth: false,
  routeDocs,
  init(this: ServiceModule, ctx) {
    this.routes = createRoutes(ctx);
    reportStaleDocs(ctx);
  },
} satisfies ServiceModule;
