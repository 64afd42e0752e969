// A kernel with a service of five files and one of a hundred, which are replaced again and again without a change.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createServer, type ReefServer } from "../../../src/core/server.js";
import { answer } from "../child.js";

export interface Reloaded {
  /** Of each reload, in milliseconds. */
  times: number[];
  residentMegabytes: number;
  /** What the collector left. */
  heapMegabytes: number;
  /** Copies of the service that are on disk. */
  copies: number;
}

const NAME = "five";
const FILES = {
  "index.ts": `import type { ServiceModule } from "#core/types.js";
import { routes } from "./routes.js";
import { store } from "./store.js";
import { registerTools } from "./tools.js";
import { registerBehaviors } from "./behaviors.js";
export default {
  name: "${NAME}",
  routes: routes(store),
  store,
  registerTools,
  registerBehaviors,
  init(ctx) {
    ctx.events.on("five:added", () => undefined);
    ctx.setInterval(() => undefined, 60_000);
  },
} satisfies ServiceModule;
`,
  "routes.ts": `import { Hono } from "hono";
import type { Store } from "./store.js";
export function routes(store: Store): Hono {
  const app = new Hono();
  app.get("/", (c) => c.json(store.list()));
  app.post("/", async (c) => c.json(store.add(await c.req.json()), 201));
  return app;
}
`,
  "store.ts": `import { ReefError } from "#core/errors.js";
const ITEMS_MAX = 100;
export class Store {
  readonly #items: unknown[] = [];
  list(): unknown[] { return this.#items; }
  add(item: unknown): unknown {
    if (this.#items.length >= ITEMS_MAX) throw new ReefError("conflict", "full");
    this.#items.push(item);
    return item;
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
export const store = new Store();
`,
  "tools.ts": `import { Type } from "@sinclair/typebox";
import type { ServiceModule } from "#core/types.js";
export const registerTools: ServiceModule["registerTools"] = (pi, client) => {
  pi.registerTool({
    name: "five_list",
    label: "List",
    description: "Lists the items.",
    parameters: Type.Object({}),
    execute: async () => client.ok(JSON.stringify(await client.api("GET", "/five"))),
  });
};
`,
  "behaviors.ts": `import type { ServiceModule } from "#core/types.js";
export const registerBehaviors: ServiceModule["registerBehaviors"] = (pi) => {
  pi.on("agent_end", () => undefined);
};
`,
};

const LARGE = "hundred";
const LARGE_FILES = 100;

/** Ninety-nine files of twenty functions each, and the one that imports them all. */
function largeService(): Record<string, string> {
  const parts = Array.from({ length: LARGE_FILES - 1 }, (_, n) => `part${n}`);
  const functions = Array.from({ length: 20 }, (_, n) => `export const f${n} = (x: number) => x * ${n};`);
  const imports = parts.map((part) => `import * as ${part} from "./${part}.js";`);
  return {
    ...Object.fromEntries(parts.map((part) => [`${part}.ts`, functions.join("\n")])),
    "index.ts": `${imports.join("\n")}\nexport default { name: "${LARGE}", capabilities: Object.keys({ ${parts.join(", ")} }) };`,
  };
}

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
let server: ReefServer | undefined;
let copies = "";

answer({
  async start(folder: string): Promise<void> {
    const servicesDir = join(folder, "services");
    const dataDir = join(folder, "data");
    copies = join(dataDir, "live/services");
    for (const [service, files] of Object.entries({ [NAME]: FILES, [LARGE]: largeService() })) {
      await mkdir(join(servicesDir, service), { recursive: true });
      for (const [name, text] of Object.entries(files))
        await writeFile(join(servicesDir, service, name), text);
    }
    server = await createServer({ servicesDir, config: { dataDir }, log: () => quiet });
    if (!server.registry.live.has(NAME)) throw new Error(JSON.stringify(server.registry.problems()));
  },
  reloadLarge: (count: number) => timesOf(LARGE, count),
  async reload(count: number): Promise<Reloaded> {
    const times = await timesOf(NAME, count);
    Bun.gc(true);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      times,
      residentMegabytes: rss / 1024 ** 2,
      heapMegabytes: heapUsed / 1024 ** 2,
      copies: (await readdir(copies)).filter((name) => name.startsWith(`${NAME}@`)).length,
    };
  },
});

async function timesOf(name: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedAt = performance.now();
    await server?.registry.replace(name);
    times.push(performance.now() - startedAt);
  }
  return times;
}
