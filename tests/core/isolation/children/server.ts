// A server with two services in processes, one of which is in an endless loop; says their pids, and waits to be killed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createIsolation } from "../../../../src/core/isolation/isolate.js";
import { createServer } from "../../../../src/core/server.js";
import { openStage } from "../../../../src/core/stage.js";

const dataDir = process.env.DATA_DIR ?? "";
const servicesDir = join(dataDir, "services");
const server = await createServer({ modules: [], config: { dataDir, servicesDir, token: "server-token" } });
const stage = await openStage(join(dataDir, "live"));
const isolation = createIsolation({ ...server, failed: console.error });
const pids: number[] = [];
for (const name of ["one", "two"]) {
  const folder = join(servicesDir, name);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "index.ts"),
    `import { Hono } from "hono";
const routes = new Hono().get("/", (c) => c.json(process.pid)).get("/loop", () => { for (;;); });
export default { name: "${name}", routes };`,
  );
  await server.registry.addObject(await isolation.importModule(await stage.copy(folder), 30_000));
  const answer = await server.ctx.fetch(`/${name}`);
  pids.push(await answer.json());
}
void server.ctx.fetch("/two/loop");
process.stdout.write(JSON.stringify(pids));
await new Promise(() => {});
