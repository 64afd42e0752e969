// A service in a process of its own does its worst: the server and all others go on, and the service comes back.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cleanUp, processesWith, type Reef, startReef } from "./reef.js";

const WILD = `import { Hono } from "hono";
const held = [];
export default {
  name: "wild",
  routes: new Hono()
    .get("/", (c) => c.json({ pid: process.pid }))
    .post("/loop", () => { while (true) {} })
    .post("/exit", () => process.exit(1))
    .post("/abort", () => process.abort())
    .post("/eat", async () => {
      while (true) { held.push(new Uint8Array(16 * 1024 * 1024).fill(1)); await Bun.sleep(5); }
    }),
};
`;
const CALM = `import { Hono } from "hono";
export default { name: "calm", routes: new Hono().get("/", (c) => c.json({ pid: process.pid })) };
`;

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({ env: { REEF_ISOLATED_MB: "300" } });
  await write("wild", { "index.ts": WILD, "package.json": '{"reef":{"isolation":"process"}}' });
  await write("calm", { "index.ts": CALM });
  await reef.api("POST", "/services/reload");
});
afterAll(cleanUp);

async function write(name: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(reef.servicesDir, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(reef.servicesDir, name, file), text);
}

test("it has a process of its own, and the others run in the server (spec §5.8)", async () => {
  const { modules } = await reef.api("GET", "/services");
  const isolation = (of: string) => modules.find(({ name }: { name: string }) => name === of)?.isolation;
  expect([isolation("wild"), isolation("calm")]).toEqual(["process", "none"]);
  expect((await reef.api("GET", "/calm")).pid).toBe(reef.pid);
  expect((await reef.api("GET", "/wild")).pid).not.toBe(reef.pid);
});

test.each(["loop", "exit", "abort", "eat"])(
  "%s ends that process only: 503 meanwhile, everything else answers, and it comes back (spec §5.8)",
  async (deed) => {
    const { pid } = await reef.api("GET", "/wild");
    let isOver = false;
    const answer = reef.fetch(`/wild/${deed}`, { method: "POST" }).finally(() => {
      isOver = true;
    });
    let answers = 0;
    while (!isOver || answers < 5) {
      expect((await reef.api("GET", "/calm")).pid).toBe(reef.pid);
      expect((await reef.api("GET", "/health")).status).toBe("ok");
      answers++;
      await Bun.sleep(20);
    }
    const refused = await answer;
    expect([refused.status, (await refused.json()).code]).toEqual([503, "unavailable"]);
    const next = await back(pid);
    expect(next).not.toBe(pid);
    const ended = (await reef.nodes()).filter(({ source, eventType }) => source === "wild" && eventType);
    expect(ended.at(-2)?.eventType).toBe("service_process_ended");
    expect(ended.at(-1)?.eventType).toBe("service_process_started");
  },
  60_000,
);

test("nothing of it is left when the server stops", async () => {
  const { pid } = await reef.api("GET", "/wild");
  await reef.stop();
  expect(processesWith(reef.dataDir)).toEqual([]);
  expect(() => process.kill(pid, 0)).toThrow();
});

/** Waits until another process answers. Until then the answer is 503. */
async function back(before: number): Promise<number> {
  const deadline = Date.now() + 45_000;
  for (;;) {
    const response = await reef.fetch("/wild");
    const body = await response.json();
    if (response.status === 200 && body.pid !== before) return body.pid;
    expect([response.status, body.code ?? body.pid]).toEqual(
      response.status === 503 ? [503, "unavailable"] : [200, before],
    );
    if (Date.now() > deadline) throw new Error(`it did not come back:\n${reef.output()}`);
    await Bun.sleep(50);
  }
}
