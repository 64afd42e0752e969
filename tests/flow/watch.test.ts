// `bun run dev`: a service is reloaded when its files are saved, while tasks go on.
import { afterAll, expect, test } from "bun:test";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cleanUp, type Reef, startReef, temporaryFolder } from "./reef.js";

afterAll(cleanUp);

const saying = (text: string) => `import { Hono } from "hono";
import { ending } from "./ending.js";
export default { name: "said", routes: new Hono().get("/", (c) => c.text(${JSON.stringify(text)} + ending)) };
`;

async function write(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

/** Waits until a service answers with this. */
async function says(reef: Reef, expected: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  let text = "";
  while (text !== expected) {
    if (Date.now() > deadline) throw new Error(`/said answers ${JSON.stringify(text)}\n${reef.output()}`);
    await Bun.sleep(20);
    text = await (await reef.fetch("/said")).text();
  }
}

test("a saved file takes effect by itself, in linked folders too, and a running task goes on (spec §5.3)", async () => {
  const reef = await startReef({ args: ["--watch"] });
  const folder = join(reef.servicesDir, "said");
  const { id } = await reef.submit("bash: sleep 3; echo slept");
  await write(folder, { "index.ts": saying("one"), "ending.ts": 'export const ending = "!";' });
  await says(reef, "one!");
  await write(folder, { "ending.ts": 'export const ending = "?";' });
  await says(reef, "one?");
  await write(folder, { "ending.ts": "export const ending = ;" });
  await write(folder, { "ending.ts": 'export const ending = ".";' });
  await says(reef, "one.");

  await rm(folder, { recursive: true });
  await says(reef, '{"error":"not found"}');
  const elsewhere = temporaryFolder();
  await write(elsewhere, { "index.ts": saying("linked"), "ending.ts": 'export const ending = "";' });
  await symlink(elsewhere, folder);
  await says(reef, "linked");
  await write(elsewhere, { "ending.ts": 'export const ending = " again";' });
  await says(reef, "linked again");

  const task = await reef.over(id);
  expect([task.status, task.attempt, task.artifacts?.summary]).toEqual([
    "done",
    1,
    expect.stringContaining("slept"),
  ]);
  const events = (await reef.nodes()).filter(({ eventType }) => eventType?.startsWith("service_"));
  expect(new Set(events.map(({ eventType }) => eventType))).toEqual(
    new Set(["service_load", "service_reload", "service_unload"]),
  );
}, 90_000);
