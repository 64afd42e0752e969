// The scaffold: makes the files of a new service, which works and passes its own tests from the first moment.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { removeUnfinished } from "./folder.js";
import { createRoutes } from "./routes.js";
import { createScaffold } from "./scaffold.js";
import { registerTools } from "./tools.js";

export default {
  name: "scaffold",
  description: "Makes the skeleton of a new service",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  routeDocs,
  async init(this: ServiceModule, ctx) {
    await removeUnfinished(ctx.servicesDir);
    const scaffold = createScaffold(ctx);
    this.routes = createRoutes(scaffold, ctx);
    this.widget = { getLines: async () => scaffold.lines() };
  },
} satisfies ServiceModule;
