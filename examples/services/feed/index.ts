// The feed: what agents do and report, as events that one lists, follows and counts.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import { publishBoardChanges } from "./board.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openFeed } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "feed",
  description: "Activity events of agents: publish, list, stream",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  registerBehaviors,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const feed = openFeed(ctx);
    publishBoardChanges(ctx, feed);
    this.routes = createRoutes(feed, ctx);
    this.widget = { getLines: async () => [`Feed: ${feed.count()} events`] };
  },
} satisfies ServiceModule;
