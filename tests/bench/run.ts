// Measures what reef promises, each number beside its baseline from the same run, and prints one table. Arguments are
// the names of measurements (all without one), `--quick` for a short run, and `--nodes=<n>` for the size of the big tree.
import { parseArgs } from "node:util";
import { cleanUp } from "../flow/reef.js";
import { appendAtSize } from "./append-at-size.js";
import { appendWithSearch } from "./append-with-search.js";
import { type Bench, type Measurement, openFolders } from "./bench.js";
import { endChildren } from "./child.js";
import { deltas } from "./deltas.js";
import { deploy } from "./deploy.js";
import { events } from "./events.js";
import { fillOnce } from "./filled.js";
import { fleet } from "./fleet.js";
import { durableAppend, get } from "./http.js";
import { isolation } from "./isolation.js";
import { open } from "./open.js";
import { reload } from "./reload.js";
import { submit } from "./submit.js";
import { type Row, tableOf, verdictOf } from "./table.js";
import { ui } from "./ui.js";
import { usage } from "./usage.js";

const MEASUREMENTS: Record<string, Measurement> = {
  submit,
  append: durableAppend,
  "append-at-size": appendAtSize,
  "append-with-search": appendWithSearch,
  events,
  get,
  open,
  reload,
  deploy,
  isolation,
  fleet,
  usage,
  deltas,
  ui,
};

const FULL = {
  nodes: 1_000_000,
  starts: 7,
  samples: 15,
  loadMs: 500,
  reloads: 1_000,
  fleetRows: 100_000,
  sessions: 1_000_000,
};
const QUICK = {
  nodes: 50_000,
  starts: 3,
  samples: 3,
  loadMs: 300,
  reloads: 200,
  fleetRows: 20_000,
  sessions: 100_000,
};

async function main(): Promise<void> {
  const { names, sizes } = readArguments();
  const rows = await measureAll(names, sizes);
  console.log(tableOf(rows));
  if (rows.some((row) => verdictOf(row) === "MISS")) process.exitCode = 1;
}

function readArguments(): { names: string[]; sizes: typeof FULL } {
  const { values, positionals } = parseArgs({
    options: { quick: { type: "boolean" }, nodes: { type: "string" } },
    allowPositionals: true,
  });
  const known = Object.keys(MEASUREMENTS);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`'${unknown}' is none of: ${known.join(", ")}`);
  const sizes = values.quick ? QUICK : FULL;
  const nodes = Number(values.nodes ?? sizes.nodes);
  if (!(nodes >= 1)) throw new Error(`--nodes has to be a number. Received: ${values.nodes}`);
  return { names: positionals.length > 0 ? positionals : known, sizes: { ...sizes, nodes } };
}

async function measureAll(names: readonly string[], sizes: typeof FULL): Promise<Row[]> {
  const { folder, remove } = openFolders();
  const stop = () => endProcesses().then(remove);
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => void stop().then(() => process.exit(1)));
  const bench: Bench = { ...sizes, folder, filled: fillOnce(folder, sizes.nodes) };
  const rows: Row[] = [];
  for (const name of names) rows.push(...(await measured(name, bench)));
  remove();
  return rows;
}

/** What goes wrong in one measurement is a miss of its own and keeps no other from being taken. */
async function measured(name: string, bench: Bench): Promise<Row[]> {
  const startedAt = performance.now();
  try {
    return (await MEASUREMENTS[name]?.(bench)) ?? [];
  } catch (error) {
    console.error(`${name}:`, error);
    return [{ what: `${name} failed`, measured: Number.NaN, unit: "", goal: { of: "measured", atMost: 0 } }];
  } finally {
    await endProcesses();
    process.stderr.write(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  }
}

async function endProcesses(): Promise<void> {
  await Promise.all([endChildren(), cleanUp()]);
}

await main();
