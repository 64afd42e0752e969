// The services manager: lists what is live and loads, replaces and unloads modules while reef runs.
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";

export default {
  name: "services",
  description: "Lists, reloads and unloads services while reef runs",
  routeDocs,
  init(this: ServiceModule, ctx) {
    this.routes = createRoutes(ctx);
  },
} satisfies ServiceModule;
