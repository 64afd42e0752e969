// The event stream with a hundred clients, against a plain fan-out of the same bytes: deliveries per second, and that
// every client had every frame once.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import type { Heard } from "./children/stream-clients.js";
import type { Way } from "./children/stream-server.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const CLIENTS = 100;
/** Frames for each millisecond that a sample may take, in whole steps of what servers and clients count in. */
const FRAMES_PER_MS = 8;
const STEP = 512;

export async function events({ samples, loadMs }: Bench): Promise<Row[]> {
  const server = startChild(import.meta.resolve("./children/stream-server.ts"));
  const listeners = startChild(import.meta.resolve("./children/stream-clients.ts"));
  const ports = await server.ask<Record<Way, number>>("start");
  const frames = Math.ceil((FRAMES_PER_MS * loadMs) / STEP) * STEP;
  let wrong = 0;
  const deliver = async (way: Way) => {
    await listeners.ask("connect", { port: ports[way], count: CLIENTS, frames });
    const heard = listeners.ask<Heard>("heard");
    const ms = await server.ask<number>("publish", { way, frames });
    const { frames: had, wrong: outOfOrder } = await heard;
    wrong += outOfOrder + Math.abs(had - frames * CLIENTS);
    return (frames * CLIENTS * 1000) / ms;
  };
  const ways = { reef: () => deliver("reef"), bare: () => deliver("bare") };
  await interleaved(1, ways);
  const rates = await interleaved(samples, ways);
  return [
    {
      what: `event stream, ${CLIENTS} clients: deliveries`,
      measured: rates.reef,
      baseline: rates.bare,
      unit: "/s",
      goal: { of: "ratio", atLeast: 0.8 },
    },
    { what: "  frames lost or doubled", measured: wrong, unit: "", goal: { of: "measured", atMost: 0 } },
  ];
}
