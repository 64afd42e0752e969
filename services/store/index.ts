// The store: a key-value store with lifetimes, versions and waiting, shared by services, agents and people.
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { BODY_BYTES_MAX } from "./input.js";
import { createRoutes } from "./routes.js";
import { openStore } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "store",
  description: "Key-value store with TTL",
  maxBodyBytes: BODY_BYTES_MAX,
  registerTools,
  routeDocs,
  init(this: ServiceModule, ctx) {
    this.routes = createRoutes(openStore(ctx));
  },
} satisfies ServiceModule;
