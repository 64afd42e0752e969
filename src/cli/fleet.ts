// `reef fleet`: the example services of reef's package, switched on and off.
import { messageOf } from "../core/errors.js";
import { type Call, type Command, DONE, FAILED, JSON_OPTION, UsageError } from "./command.js";
import { type Connection, ServerError } from "./connection.js";
import { oneLine, plain, table } from "./text.js";

const NAMES_MAX = 100;
const DESCRIPTION_CHARS_MAX = 100;

export const fleet: Command = {
  name: "fleet",
  about: "list the example services, enable them or disable them",
  positionals: "<list|enable|disable> [name…]",
  takes: [1, NAMES_MAX],
  options: {
    all: { type: "boolean", about: "enable or disable all of them" },
    json: JSON_OPTION,
  },
  detail:
    "Enabling copies a service into the services folder and loads it. Disabling takes the copy out again; what the service has stored stays, and is there when it is enabled again.",
  run,
};

interface Example {
  name: string;
  description: string | null;
  installed: boolean;
}

/** What happened to one of them; `unchanged` was as it should be. */
interface Outcome {
  name: string;
  state?: "enabled" | "disabled" | "unchanged";
  error?: string;
}

async function run(call: Call): Promise<number> {
  const [action = "", ...names] = call.args;
  if (action === "list") return list(call, names);
  if (action === "enable" || action === "disable") return switchAll(call, names, action);
  throw new UsageError(`fleet takes list, enable or disable. Received: "${action}"`);
}

async function switchAll(
  call: Call,
  names: readonly string[],
  action: "enable" | "disable",
): Promise<number> {
  const { server, options, terminal } = call;
  if (options.flag("all") === names.length > 0) throw new UsageError(`fleet ${action} needs names, or --all`);
  const examples = await examplesOf(server);
  const outcomes: Outcome[] = [];
  for (const example of options.flag("all") ? examples : names.map((name) => named(name, examples))) {
    const outcome = await switched(server, example, action === "enable");
    outcomes.push(outcome);
    if (!options.flag("json")) show(call, outcome, example.description);
  }
  if (options.flag("json")) terminal.out.write(`${JSON.stringify(outcomes)}\n`);
  return outcomes.some(({ error }) => error !== undefined) ? FAILED : DONE;
}

/** Looked up before anything is done. */
function named(name: string, examples: readonly Example[]): Example {
  const example = examples.find((one) => one.name === name);
  if (example) return example;
  throw new UsageError(
    `there is no example service "${name}"; there are ${examples.map((one) => one.name).join(", ")}`,
  );
}

async function list(
  { server, options, terminal: { out, err } }: Call,
  names: readonly string[],
): Promise<number> {
  if (names.length > 0) throw new UsageError(`fleet list takes no names. Received: "${names[0]}"`);
  const examples = await examplesOf(server);
  if (options.flag("json")) out.write(`${JSON.stringify({ examples, count: examples.length }, null, 2)}\n`);
  else if (examples.length === 0) err.write("There are no example services.\n");
  else for (const line of table(rowsOf(examples))) out.write(`${line}\n`);
  return DONE;
}

function rowsOf(examples: readonly Example[]): string[][] {
  const rows = examples.map(({ name, description, installed }) => [
    name,
    installed ? "enabled" : "-",
    oneLine(description ?? "", DESCRIPTION_CHARS_MAX),
  ]);
  return [["NAME", "STATE", "WHAT IT IS"], ...rows];
}

async function examplesOf(server: Connection): Promise<Example[]> {
  const { examples } = await server.api<{ examples: Example[] }>("GET", "/installer/examples");
  return examples;
}

/** One that fails keeps no other back. */
async function switched(server: Connection, example: Example, isOn: boolean): Promise<Outcome> {
  const { name } = example;
  if (example.installed === isOn) return { name, state: "unchanged" };
  try {
    if (isOn) await server.api("POST", "/installer/install", { source: `example:${name}` });
    else await server.api("POST", "/installer/remove", { name });
    return { name, state: isOn ? "enabled" : "disabled" };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return { name, error: messageOf(error) };
  }
}

function show(
  { terminal: { out, err } }: Call,
  { name, state, error }: Outcome,
  description: string | null,
): void {
  if (error !== undefined) err.write(`${plain(`${name}: ${error}`)}\n`);
  else if (state === "enabled")
    out.write(`enabled /${name}${description ? ` — ${oneLine(description, DESCRIPTION_CHARS_MAX)}` : ""}\n`);
  else out.write(`${state} ${name}\n`);
}
