// The log: what was done and decided, entry by entry, which nobody can change afterwards.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openLog } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "log",
  description: "Append-only work log",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const log = openLog(ctx);
    this.routes = createRoutes(log);
    this.widget = { getLines: async () => [`Log: ${log.countLastDay()} entries (24h)`] };
  },
} satisfies ServiceModule;
