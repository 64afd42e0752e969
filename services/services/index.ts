// The services manager: lists what is live, and deploys, rolls back, loads, unloads and exports services while reef runs.
import { openIdempotencyKeys } from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceModule } from "#core/types.js";
import { type Books, createDeploys } from "./deploys.js";
import { routeDocs } from "./docs.js";
import { createLedger } from "./ledger.js";
import { MIGRATIONS } from "./migrations.js";
import { createProbations } from "./probation.js";
import { createRollbacks } from "./rollback.js";
import { createRoutes } from "./routes.js";
import { createSeeds } from "./seeds.js";
import { createTurns } from "./turns.js";

export default {
  name: "services",
  description: "Deploys, lists, reloads and unloads services while reef runs",
  routeDocs,
  init(this: ServiceModule, ctx) {
    const storage = openStorage(ctx, { migrations: MIGRATIONS });
    const ledger = createLedger(storage);
    const changes = createTurns();
    const live = () => ctx.getStore<Books>(ctx.name) ?? books;
    const rollbacks = createRollbacks({ ctx, ledger: () => live().ledger, changes });
    const probations = createProbations({ ctx, ledger, failed: rollbacks.failed });
    const books: Books = { ledger, probations };
    const deploys = createDeploys({ ctx, books: live, changes });
    this.store = books;
    const [seeds, keys] = [createSeeds(storage), openIdempotencyKeys(ctx)];
    this.routes = createRoutes({ ctx, deploys, rollbacks, ledger, probations, seeds, keys });
  },
} satisfies ServiceModule;
