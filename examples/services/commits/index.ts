// The ledger of commits: which snapshots there are of which VMs, and what each one was good for.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openLedger } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "commits",
  description: "Ledger of VM snapshots",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  registerBehaviors,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const ledger = openLedger(ctx);
    this.routes = createRoutes(ledger);
    this.widget = { getLines: async () => [`Commits: ${ledger.count()}`] };
  },
} satisfies ServiceModule;
