// The installer: brings services in from git, from another reef, from a folder or from reef's own examples, keeps them up
// to date, and takes them out again.
import { mkdir } from "node:fs/promises";
import { openIdempotencyKeys } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { routeDocs } from "./docs.js";
import { createJobs } from "./jobs.js";
import { openLock } from "./lock.js";
import { createRoutes } from "./routes.js";
import { mendSwaps } from "./swap.js";
import { sweepStaging } from "./trial.js";

export default {
  name: "installer",
  description: "Installs, updates and removes services",
  routeDocs,
  async init(this: ServiceModule, ctx) {
    const { servicesDir, log } = ctx;
    const lock = openLock(servicesDir);
    const jobs = createJobs();
    await mkdir(servicesDir, { recursive: true });
    await mendSwaps(servicesDir, lock, log);
    await sweepStaging(ctx);
    ctx.onDispose("work under way", jobs.settled);
    this.routes = createRoutes({ ctx, lock, jobs }, openIdempotencyKeys(ctx));
  },
} satisfies ServiceModule;
