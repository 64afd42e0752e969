// A service in a process of its own against the same one in the server: requests through it, how long it takes to be
// live, and the memory that it needs.
import type { Bench } from "./bench.js";
import { startChild } from "./child.js";
import type { Load } from "./children/http-load.js";
import type { Places } from "./children/isolated-server.js";
import { interleaved } from "./sample.js";
import type { Row } from "./table.js";

const CONNECTIONS = 64;
const TOKEN = "token-of-the-benchmark";
const BODY = JSON.stringify({ content: "x".repeat(200) });

export async function isolation({ samples, starts, loadMs, folder }: Bench): Promise<Row[]> {
  const server = startChild(import.meta.resolve("./children/isolated-server.ts"));
  const generator = startChild(import.meta.resolve("./children/http-load.ts"));
  const { port, inside, apart } = await server.ask<Places>("start", { folder: folder(), token: TOKEN });
  const rate = async (load: Pick<Load, "method" | "path" | "body">) => {
    const asked: Load = { ...load, port, token: TOKEN, connections: CONNECTIONS, ms: loadMs };
    return (await generator.ask<{ perSecond: number }>("load", asked)).perSecond;
  };
  const ways = {
    apartGet: () => rate({ method: "GET", path: `${apart}/hello` }),
    insideGet: () => rate({ method: "GET", path: `${inside}/hello` }),
    apartPost: () => rate({ method: "POST", path: `${apart}/echo`, body: BODY }),
    insidePost: () => rate({ method: "POST", path: `${inside}/echo`, body: BODY }),
  };
  await interleaved(1, ways);
  const rates = await interleaved(samples, ways);
  const resident = await server.ask<number>("resident");
  const live = await interleaved(starts, {
    apart: () => server.ask<number>("replace", "apart"),
    inside: () => server.ask<number>("replace", "inside"),
  });
  const what = `a service in a process, ${CONNECTIONS} connections`;
  await server.ask("loop");
  const beside = await interleaved(samples, { insideGet: ways.insideGet });
  return [
    {
      what: `GET through ${what}`,
      measured: rates.apartGet,
      baseline: rates.insideGet,
      unit: "/s",
      goal: RATIO,
    },
    {
      what: `POST through ${what}`,
      measured: rates.apartPost,
      baseline: rates.insidePost,
      unit: "/s",
      goal: RATIO,
    },
    {
      what: "GET in the server, beside a process in an endless loop",
      measured: beside.insideGet,
      baseline: rates.insideGet,
      unit: "/s",
    },
    { what: "  replaced by a new version", measured: live.apart, baseline: live.inside, unit: "ms" },
    { what: "  memory of the process", measured: resident, unit: "MB" },
  ];
}

const RATIO = { of: "ratio", atLeast: 0.2 } as const;
