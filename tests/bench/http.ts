// Requests under load: an append that is on disk before its answer, against the same route with no store; and a GET
// through auth and dispatch, against a bare `Bun.serve`.
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import type { Load } from "./children/http-load.js";
import type { Ports } from "./children/http-server.js";
import { interleaved } from "./sample.js";
import { median, type Row } from "./table.js";

const CONNECTIONS = 64;
const TOKEN = "token-of-the-benchmark";
const BODY = JSON.stringify({ content: "x".repeat(200) });

const FLUSHES = 20;
const FLUSHED_BYTES = 32 * 1024;

interface Rig {
  ports: Ports;
  /** Answers per second. */
  rate(load: Pick<Load, "port" | "method" | "path" | "body">): Promise<number>;
  /** Of all loads to this path so far. */
  answers(path: string): number;
  nodes(): Promise<number>;
}

export async function durableAppend({ samples, loadMs, folder }: Bench): Promise<Row[]> {
  const dir = folder();
  const rig = await startRig(dir, loadMs);
  const post = (path: string) => rig.rate({ port: rig.ports.reef, method: "POST", path, body: BODY });
  const ways = {
    note: () => post("/bench/note"),
    skip: () => post("/bench/skip"),
    flush: async () => flushMs(dir),
  };
  await interleaved(1, ways);
  const { note, skip, flush } = await interleaved(samples, ways);
  const lost = rig.answers("/bench/note") + 1 - (await rig.nodes());
  const what = `durable append over HTTP, ${CONNECTIONS} connections`;
  return [
    { what, measured: note, baseline: skip, unit: "/s", goal: { of: "ratio", atLeast: 0.5 } },
    { what: "  acknowledged and not there", measured: lost, unit: "", goal: { of: "measured", atMost: 0 } },
    // Every group of appends waits for one: on a slow or busy disk this decides, and not reef.
    { what: "  what this disk takes for one flush", measured: flush, unit: "ms" },
  ];
}

export async function get({ samples, loadMs, folder }: Bench): Promise<Row[]> {
  const rig = await startRig(folder(), loadMs);
  const { reef, bare } = rig.ports;
  const ways = {
    reef: () => rig.rate({ port: reef, method: "GET", path: "/bench/hello" }),
    bare: () => rig.rate({ port: bare, method: "GET", path: "/bench/hello" }),
  };
  await interleaved(1, ways);
  const rates = await interleaved(samples, ways);
  const what = `GET through auth and dispatch, ${CONNECTIONS} connections`;
  return [
    { what, measured: rates.reef, baseline: rates.bare, unit: "/s", goal: { of: "ratio", atLeast: 0.6 } },
  ];
}

async function startRig(folder: string, ms: number): Promise<Rig> {
  const server = startChild(import.meta.resolve("./children/http-server.ts"));
  const generator = startChild(import.meta.resolve("./children/http-load.ts"));
  const ports = await server.ask<Ports>("start", { folder, token: TOKEN });
  const answers = new Map<string, number>();
  return {
    ports,
    async rate(asked) {
      const load: Load = { ...asked, token: TOKEN, connections: CONNECTIONS, ms };
      const done = await generator.ask<{ answers: number; perSecond: number }>("load", load);
      answers.set(load.path, (answers.get(load.path) ?? 0) + done.answers);
      return done.perSecond;
    },
    answers: (path) => answers.get(path) ?? 0,
    nodes: () => server.ask<number>("nodes"),
  };
}

/** Writes as much as a small group does, and waits until it is on disk. */
function flushMs(dir: string): number {
  const file = openSync(join(dir, "flushed"), "w");
  const bytes = Buffer.alloc(FLUSHED_BYTES);
  const times = Array.from({ length: FLUSHES }, (_, n) => {
    const startedAt = performance.now();
    writeSync(file, bytes, 0, bytes.length, n * bytes.length);
    fdatasyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  return median(times);
}
