// SkillHub: skills and extensions that agents share, in versions, and who has which of them.
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openHub } from "./store.js";

/** Room for the longest content in characters of four bytes. */
const BODY_BYTES_MAX = 4 * 1_048_576;

export default {
  name: "skills",
  description: "SkillHub: skills and extensions for all agents, in versions",
  maxBodyBytes: BODY_BYTES_MAX,
  routeDocs,
  init(this: ServiceModule, ctx) {
    const hub = openHub(ctx);
    this.routes = createRoutes(hub, ctx);
    this.widget = {
      async getLines() {
        const { skills, extensions } = hub.counts();
        return [`Skills: ${skills} skills, ${extensions} extensions`];
      },
    };
  },
} satisfies ServiceModule;
