// Usage: what agents spend in tokens and money, session by session, and which machines they had.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openLedger } from "./store.js";
import { registerTools } from "./tools.js";
import { widgetLine } from "./widget.js";

export default {
  name: "usage",
  description: "Tokens, cost and machines of agents",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  registerBehaviors,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const ledger = openLedger(ctx);
    this.routes = createRoutes(ledger);
    this.widget = { getLines: async () => [widgetLine(ledger)] };
  },
} satisfies ServiceModule;
