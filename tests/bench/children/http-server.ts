// The kernel with one module, and beside it a server that is nothing but `Bun.serve`: what requests are sent to.
import { Hono } from "hono";
import { createServer } from "../../../src/core/server.js";
import type { ServiceModule } from "../../../src/core/types.js";
import { taskProjection } from "../../../src/tasks/status.js";
import { openTree, type Tree } from "../../../src/tree/tree.js";
import { answer } from "../child.js";

export interface Ports {
  reef: number;
  bare: number;
}

const HELLO = { message: "hello", from: "bench" };
const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

let tree: Tree<unknown> | undefined;

answer({
  async start({ folder, token }: { folder: string; token: string }): Promise<Ports> {
    const opened = await openTree({ dir: folder, projection: taskProjection, systemPrompt: "bench" });
    tree = opened;
    const modules = [moduleOver(opened)];
    const config = { token, dataDir: folder, servicesDir: `${folder}/services` };
    const { app } = await createServer({ modules, config, log: () => quiet });
    const bare = () => Response.json(HELLO);
    return { reef: serve(app.fetch), bare: serve(bare) };
  },
  nodes: async () => (await tree?.counts())?.nodes,
});

/** `note` answers when its node is on disk, `skip` does the same without a store. */
function moduleOver(tree: Tree<unknown>): ServiceModule {
  const routes = new Hono();
  routes.get("/hello", (c) => c.json(HELLO));
  routes.post("/skip", async (c) => {
    await c.req.json();
    return c.json({ ok: true }, 201);
  });
  routes.post("/note", async (c) => {
    const { content } = await c.req.json();
    const parentId = tree.root();
    await tree.append({ parentId, role: "event", eventType: "note", source: "bench", content });
    return c.json({ ok: true }, 201);
  });
  return { name: "bench", routes };
}

function serve(fetch: (request: Request) => Response | Promise<Response>): number {
  const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  return port ?? 0;
}
