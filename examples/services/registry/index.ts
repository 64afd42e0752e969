// The registry: which machines and agents are there, what they are for, and where one reaches them.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import { routeDocs } from "./docs.js";
import { keepOwnEntry } from "./own.js";
import { createRoutes } from "./routes.js";
import { openRegistry } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "registry",
  description: "Machines and agents: register, discover, heartbeat",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  registerBehaviors: (pi, client) => registerBehaviors(pi, client),
  routeDocs,
  async init(this: ServiceModule, ctx) {
    const registry = openRegistry(ctx);
    this.routes = createRoutes(registry);
    this.registerBehaviors = (pi, client) =>
      registerBehaviors(pi, client, { ownVmId: ctx.config.vmId, every: ctx.setInterval });
    this.widget = {
      getLines: async () => {
        const { total, running } = registry.stats();
        return [`Registry: ${total} VMs (${running} running)`];
      },
    };
    await keepOwnEntry(ctx, registry);
  },
} satisfies ServiceModule;
