// A kernel with one service twice: once in the server, and once in a process of its own.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { residentBytes } from "../../../src/core/isolation/watch.js";
import { createServer, type ReefServer } from "../../../src/core/server.js";
import { answer } from "../child.js";

export interface Places {
  port: number;
  inside: string;
  apart: string;
}

const SOURCE = (name: string) => `import { Hono } from "hono";
const routes = new Hono();
routes.get("/hello", (c) => c.json({ message: "hello", from: "bench" }));
routes.get("/loop", () => { for (;;); });
routes.get("/pid", (c) => c.json(process.pid));
routes.post("/echo", async (c) => c.json(await c.req.json()));
export default { name: "${name}", routes };
`;

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
let server: ReefServer | undefined;

answer({
  async start({ folder, token }: { folder: string; token: string }): Promise<Places> {
    const servicesDir = join(folder, "services");
    await service(servicesDir, "inside", "none");
    await service(servicesDir, "apart", "process");
    server = await createServer({ servicesDir, config: { token, dataDir: folder }, log: () => quiet });
    const problems = server.registry.problems();
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: server.app.fetch });
    return { port: port ?? 0, inside: "/inside", apart: "/apart" };
  },
  /** Milliseconds from the order to load a service until it is live. */
  async replace(name: string): Promise<number> {
    const startedAt = performance.now();
    await server?.registry.replace(name);
    return performance.now() - startedAt;
  },
  /** Of the process of the service, in MB. */
  async resident(): Promise<number> {
    const answer = await server?.ctx.fetch("/apart/pid");
    return (residentBytes(Number(await answer?.json())) ?? Number.NaN) / 1024 ** 2;
  },
  /** Has the process do nothing else from now on. */
  async loop(): Promise<void> {
    void server?.ctx.fetch("/apart/loop");
  },
});

async function service(servicesDir: string, name: string, isolation: "none" | "process"): Promise<void> {
  const dir = join(servicesDir, name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "index.ts"), SOURCE(name));
  await writeFile(join(dir, "package.json"), JSON.stringify({ reef: { isolation } }));
}
