// The updater: looks for a newer reef where reef was installed from, and updates to it when somebody says so.
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openUpdater } from "./updater.js";

export default {
  name: "updater",
  description: "Looks for a newer reef, and updates to it",
  routeDocs,
  init(this: ServiceModule, ctx) {
    const updater = openUpdater(ctx);
    this.routes = createRoutes(updater, ctx);
    this.widget = {
      async getLines() {
        const { updateAvailable, latest } = updater.status();
        return updateAvailable ? [`Update: v${latest} available`] : [];
      },
    };
  },
} satisfies ServiceModule;
