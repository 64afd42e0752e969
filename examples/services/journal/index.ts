// The journal: a personal narrative, with moods and tags, in the order in which it was written.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openJournal } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "journal",
  description: "Personal narrative with moods and tags",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const journal = openJournal(ctx);
    this.routes = createRoutes(journal, ctx);
    this.widget = { getLines: async () => [`Journal: ${journal.countLastDay()} entries (24h)`] };
  },
} satisfies ServiceModule;
