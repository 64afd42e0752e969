// Cron: jobs that give a task to an agent, call this server or run a command, by schedule or by hand.
import type { FleetClient, ServiceModule } from "#core/types.js";
import { openCron } from "./cron.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { registerTools } from "./tools.js";

export default createModule();

function createModule(): ServiceModule {
  // What it is given for tools knows where this server is reached.
  let client: FleetClient | undefined;
  return {
    name: "cron",
    description: "Scheduled jobs: tasks for agents, calls of this server, commands",
    capabilities: ["cron.schedule", "cron.execute"],
    routeDocs,
    registerTools(pi, given) {
      client = given;
      registerTools(pi, given);
    },
    async init(this: ServiceModule, ctx) {
      this.routes = createRoutes(await openCron(ctx, () => client?.getBaseUrl() ?? undefined));
    },
  };
}
