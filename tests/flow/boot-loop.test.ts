// A service that takes the whole server down at every start: reef comes up without it, says why, and takes it back.
import { afterAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cleanUp, startReef, temporaryFolder } from "./reef.js";

afterAll(cleanUp);

const DEADLY = `export default { name: "deadly", init() { process.abort(); } };`;
const MENDED = `export default { name: "deadly", description: "mended", init() {} };`;
const STARTS_BEFORE_HELD = 3;

test("after repeated crashes at start only the stock services start, and the reason is told (spec §1.1)", async () => {
  const dataDir = temporaryFolder();
  const servicesDir = join(dataDir, "services");
  const write = async (text: string) => {
    await mkdir(join(servicesDir, "deadly"), { recursive: true });
    await writeFile(join(servicesDir, "deadly", "index.ts"), text);
  };
  await write(DEADLY);
  for (let start = 0; start < STARTS_BEFORE_HELD; start++) {
    await expect(startReef({ dataDir, servicesDir })).rejects.toThrow();
  }
  const reef = await startReef({ dataDir, servicesDir });
  const { modules, problems } = await reef.api("GET", "/services");
  expect(modules.map(({ name }: { name: string }) => name)).toContain("store");
  expect(problems).toEqual([
    { dir: "deadly", state: "held", error: "not started: 3 starts in a row ended early" },
  ]);
  expect(reef.output()).toContain("stock services only: not started: 3 starts in a row ended early");
  await write(MENDED);
  expect(await reef.api("POST", "/services/reload/deadly")).toEqual({ name: "deadly", action: "added" });
  expect(await reef.stop()).toBe(0);
  const next = await reef.restart();
  expect((await next.api("GET", "/services")).problems).toEqual([]);
}, 120_000);
