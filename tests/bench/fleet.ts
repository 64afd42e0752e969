// The fleet services under load: writes that are on disk before their answer, against a service that reads the same body
// and answers the same from memory; the same writes when 100,000 rows are there; a list of 1,000 tasks; and the feed
// with a hundred listeners.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyService } from "../fleet/reef-with.js";
import { type Reef, startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { type Child, startChild } from "./child.js";
import type { Heard } from "./children/feed-clients.js";
import type { Load } from "./children/http-load.js";
import { interleaved } from "./sample.js";
import { median, type Row } from "./table.js";

const CONNECTIONS = 32;
const LISTENERS = 100;
const LISTED = 1_000;
const FEW = 10;
const PUBLISHED = 1_000;
/** As long as it takes to have some thousand rows more. */
const FILL_MS = 2_000;

const WRITES = {
  "/board/tasks": { title: "Write down what was measured", createdBy: "bench", tags: ["bench"] },
  "/feed/events": { agent: "bench", type: "custom", summary: "measured something" },
  "/log": { text: "measured something", agent: "bench" },
};
type Path = keyof typeof WRITES;
const PATHS = Object.keys(WRITES) as Path[];

/** Answers what it was given before, after it has read the body as the real one does. */
const MEMORY = `import { Hono } from "hono";
const kept = new Map();
const routes = new Hono();
routes.put("/kept/*", async (c) => { kept.set(c.req.path.slice("/memory/kept".length), await c.req.json()); return c.json({}); });
routes.get("/get/*", (c) => c.json(kept.get(c.req.path.slice("/memory/get".length))));
routes.post("/post/*", async (c) => { await c.req.json(); return c.json(kept.get(c.req.path.slice("/memory/post".length)), 201); });
export default { name: "memory", routes };
`;

export async function fleet({ samples, starts, loadMs, fleetRows, folder }: Bench): Promise<Row[]> {
  const generator = startChild(import.meta.resolve("./children/http-load.ts"));
  const rate = (reef: Reef, path: string, write?: object, ms = loadMs) =>
    rateOf(generator, { reef, path, write, ms });
  const start = () => startFleet(folder());

  const against = await againstMemory({ reef: await start(), rate, samples });
  const flat = await whenFull({ start, rate, starts, rows: fleetRows });
  return [...against, ...flat, ...(await toListeners(await start(), starts))];
}

type Rate = (reef: Reef, path: string, write?: object, ms?: number) => Promise<number>;

interface Compared {
  reef: Reef;
  rate: Rate;
  samples: number;
}

async function againstMemory({ reef, rate, samples }: Compared): Promise<Row[]> {
  for (const path of PATHS)
    await reef.api("PUT", `/memory/kept${path}`, await reef.api("POST", path, WRITES[path]));
  const rows: Row[] = [];
  for (const path of PATHS) {
    const write = WRITES[path];
    const ways = {
      real: () => rate(reef, path, write),
      memory: () => rate(reef, `/memory/post${path}`, write),
    };
    await interleaved(1, ways);
    const { real, memory } = await interleaved(samples, ways);
    const what = `POST ${path}, ${CONNECTIONS} connections, against one without a store`;
    rows.push({ what, measured: real, baseline: memory, unit: "/s" });
  }
  return [...rows, await listed({ reef, rate, samples })];
}

async function listed({ reef, rate, samples }: Compared): Promise<Row> {
  const path = `/board/tasks?limit=${LISTED}`;
  const list = await reef.api("GET", path);
  if (list.count !== LISTED) throw new Error(`${list.count} tasks are there, and not ${LISTED}`);
  await reef.api("PUT", "/memory/kept/list", list);
  const ways = { real: () => rate(reef, path), memory: () => rate(reef, "/memory/get/list") };
  await interleaved(1, ways);
  const { real, memory } = await interleaved(samples, ways);
  const what = `GET /board/tasks, ${LISTED.toLocaleString("en-US")} of them, against the same from memory`;
  return { what, measured: real, baseline: memory, unit: "/s" };
}

interface Filled {
  start(): Promise<Reef>;
  rate: Rate;
  starts: number;
  rows: number;
}

/** Each sample of the few is taken on a server that was just started, since every sample adds thousands. */
async function whenFull({ start, rate, starts, rows }: Filled): Promise<Row[]> {
  const full = await start();
  for (const path of PATHS) await fill({ reef: full, path, rows, rate });
  const rates = { few: new Map<Path, number[]>(), full: new Map<Path, number[]>() };
  for (let round = 0; round <= starts; round++) {
    const few = await start();
    for (const path of PATHS) {
      for (let row = 0; row < FEW; row++) await few.api("POST", path, WRITES[path]);
      for (const [name, reef] of Object.entries({ few, full }) as ["few" | "full", Reef][]) {
        const measured = await rate(reef, path, WRITES[path]);
        // The first round is for warming up.
        if (round > 0) rates[name].set(path, [...(rates[name].get(path) ?? []), measured]);
      }
    }
    await few.stop();
  }
  await full.stop();
  return PATHS.map((path) => ({
    what: `POST ${path} at ${rows.toLocaleString("en-US")} rows against ${FEW}`,
    measured: median(rates.full.get(path) ?? []),
    baseline: median(rates.few.get(path) ?? []),
    unit: "/s",
    goal: { of: "ratio", atLeast: 0.8 },
  }));
}

async function fill({ reef, path, rows, rate }: { reef: Reef; path: Path; rows: number; rate: Rate }) {
  for (let there = 0; there < rows; ) {
    const perSecond = await rate(reef, path, WRITES[path], FILL_MS);
    there += (perSecond * FILL_MS) / 1000;
  }
}

/** What is published one hundred at a time, and when everybody has it, against when nobody listens. */
async function toListeners(reef: Reef, rounds: number): Promise<Row[]> {
  const clients = startChild(import.meta.resolve("./children/feed-clients.ts"));
  const port = Number(new URL(reef.url).port);
  let wrong = 0;
  const ways = {
    async heard() {
      await clients.ask("connect", { port, count: LISTENERS, frames: PUBLISHED });
      const startedAt = performance.now();
      const [{ frames, wrong: outOfOrder }] = await Promise.all([clients.ask<Heard>("heard"), publish(reef)]);
      wrong += outOfOrder + Math.abs(frames - PUBLISHED * LISTENERS);
      return performance.now() - startedAt;
    },
    async alone() {
      const startedAt = performance.now();
      await publish(reef);
      return performance.now() - startedAt;
    },
  };
  await interleaved(1, ways);
  const { heard, alone } = await interleaved(rounds, ways);
  await reef.stop();
  const what = `${PUBLISHED.toLocaleString("en-US")} events to ${LISTENERS} listeners of the feed, against to none`;
  return [
    { what, measured: heard, baseline: alone, unit: "ms" },
    {
      what: "  frames lost, doubled or out of order",
      measured: wrong,
      unit: "",
      goal: { of: "measured", atMost: 0 },
    },
  ];
}

async function publish(reef: Reef): Promise<void> {
  const write = WRITES["/feed/events"];
  for (let done = 0; done < PUBLISHED; done += 100)
    await Promise.all(Array.from({ length: 100 }, () => reef.api("POST", "/feed/events", write)));
}

async function startFleet(folder: string): Promise<Reef> {
  const servicesDir = join(folder, "services");
  await mkdir(join(servicesDir, "memory"), { recursive: true });
  await writeFile(join(servicesDir, "memory", "index.ts"), MEMORY);
  for (const name of ["board", "feed", "log"]) copyService(name, servicesDir);
  return startReef({ dataDir: join(folder, "data"), servicesDir, env: { REEF_WARM: "0" } });
}

interface Asked {
  reef: Reef;
  path: string;
  write?: object | undefined;
  ms: number;
}

async function rateOf(generator: Child, { reef, path, write, ms }: Asked): Promise<number> {
  const load: Load = {
    port: Number(new URL(reef.url).port),
    method: write === undefined ? "GET" : "POST",
    path,
    connections: CONNECTIONS,
    ms,
    ...(write !== undefined && { body: JSON.stringify(write) }),
  };
  return (await generator.ask<{ perSecond: number }>("load", load)).perSecond;
}
