// The `reef` command: finds what was asked for in the table of commands, runs it, and turns failures into one line.
import packageJson from "../package.json" with { type: "json" };
import { answer } from "./cli/answer.js";
import { cancel } from "./cli/cancel.js";
import {
  type Call,
  type Command,
  commandHelp,
  DONE,
  FAILED,
  globalHelp,
  parseCommand,
  splitCommand,
  USAGE,
  UsageError,
} from "./cli/command.js";
import { type Connection, connect, type Surroundings } from "./cli/connection.js";
import { fleet } from "./cli/fleet.js";
import { open } from "./cli/open.js";
import { skills } from "./cli/skills.js";
import { start } from "./cli/start.js";
import { steer } from "./cli/steer.js";
import { submit } from "./cli/submit.js";
import { tail } from "./cli/tail.js";
import { task } from "./cli/task.js";
import { tasks } from "./cli/tasks.js";
import { processTerminal, type Terminal } from "./cli/terminal.js";
import { tree } from "./cli/tree.js";
import { commandLineEnvironment } from "./core/client.js";
import { messageOf } from "./core/errors.js";

const COMMANDS: readonly Command[] = [
  start,
  open,
  submit,
  tasks,
  task,
  tree,
  tail,
  steer,
  answer,
  cancel,
  fleet,
  skills,
];

/** Also what `reef` alone, `reef --help` and `reef --version` mean. */
const help: Command = {
  name: "help",
  about: "show what there is, or one command",
  positionals: "[command]",
  takes: [0, 1],
  options: { version: { type: "boolean", about: "show the version" } },
  async run({ args: [name], options, terminal: { out } }) {
    if (options.flag("version")) out.write(`reef ${packageJson.version}\n`);
    else out.write(name === undefined ? globalHelp(COMMANDS) : commandHelp(commandNamed(name)));
    return DONE;
  },
};

/** Resolves to the exit code; never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<number> {
  try {
    return await dispatch(argv, terminal, surroundings);
  } catch (error) {
    terminal.err.write(`reef: ${messageOf(error)}\n`);
    if (!(error instanceof UsageError)) return FAILED;
    terminal.err.write(`${terminal.err.paint("dim", "try: reef --help")}\n`);
    return USAGE;
  }
}

async function dispatch(
  argv: readonly string[],
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<number> {
  const { name, rest } = splitCommand(argv);
  const command = commandNamed(name ?? help.name);
  const { args, options } = parseCommand(command, rest);
  if (!options.flag("help") || command === help) {
    return await command.run(callOf({ args, options, terminal }, surroundings));
  }
  terminal.out.write(commandHelp(command));
  return DONE;
}

function commandNamed(name: string): Command {
  const found = [...COMMANDS, help].find((command) => command.name === name);
  if (found) return found;
  throw new UsageError(`unknown command "${name}"; there are ${COMMANDS.map((one) => one.name).join(", ")}`);
}

/** The server is looked up when a command first asks for it; `start` never does. */
function callOf(call: Omit<Call, "server">, surroundings: Surroundings): Call {
  let server: Connection | undefined;
  const given = { url: call.options.text("url"), tokenFile: call.options.text("token-file") };
  return {
    ...call,
    get server() {
      server ??= connect(given, surroundings);
      return server;
    },
  };
}

if (import.meta.main) {
  const { colors, desktop, ...surroundings } = commandLineEnvironment();
  const terminal = processTerminal({ colors, desktop });
  process.exitCode = await runCommandLine(process.argv.slice(2), terminal, surroundings);
}
