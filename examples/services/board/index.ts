// The board: tasks that agents and people share, with leases that say who works on what.
import { LIMITS } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { registerBehaviors } from "./behaviors.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openBoard } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "board",
  description: "Shared tasks: claim, note, review, approve",
  maxBodyBytes: LIMITS.bodyBytesMax,
  registerTools,
  registerBehaviors,
  routeDocs,
  async init(this: ServiceModule, ctx) {
    const board = await openBoard(ctx);
    this.routes = createRoutes(board, ctx);
    this.widget = {
      getLines: async () => {
        const { open, in_progress, blocked } = (await board.stats()).byStatus;
        return [`Board: ${open} open, ${in_progress} in-progress, ${blocked} blocked`];
      },
    };
  },
} satisfies ServiceModule;
