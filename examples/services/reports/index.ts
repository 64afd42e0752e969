// Reports: what agents found, in Markdown, for people to read, and links that show one to anybody.
import { ulid } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRenderer } from "./renderer.js";
import { BODY_BYTES_MAX } from "./report.js";
import { createRoutes } from "./routes.js";
import { MIGRATIONS, newestId } from "./rows.js";
import { PUBLIC_ROUTES } from "./share-routes.js";
import { createShares } from "./shares.js";
import { createReports } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "reports",
  description: "Markdown reports, and links that share them",
  maxBodyBytes: BODY_BYTES_MAX,
  publicRoutes: PUBLIC_ROUTES,
  registerTools,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const storage = openStorage(ctx, { migrations: MIGRATIONS });
    const keeper = { storage, nextId: ulid({ after: newestId(storage.read) }), now: Date.now };
    const reports = createReports(ctx, keeper);
    const shares = createShares(ctx, keeper);
    // What was left at the last end.
    shares.sweep();
    this.routes = createRoutes(ctx, { reports, shares, renderer: createRenderer(ctx) });
    this.widget = { getLines: async () => [`Reports: ${reports.count()}`] };
  },
} satisfies ServiceModule;
