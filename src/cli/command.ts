// What a command is, how its options are read, and how `--help` describes them: one table serves all three.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { messageOf } from "../core/errors.js";
import type { Connection } from "./connection.js";
import type { Terminal } from "./terminal.js";

export interface Command {
  readonly name: string;
  /** One line of the global help. */
  readonly about: string;
  /** As the usage line shows them, e.g. `<task>`. */
  readonly positionals: string;
  /** How many of them. */
  readonly takes: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** What else `--help` says. */
  readonly detail?: string;
  /** Resolves to the exit code; what it throws is shown as one line. */
  run(call: Call): Promise<number>;
}

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly about: string;
}

export interface Call {
  readonly args: readonly string[];
  readonly options: Values;
  readonly terminal: Terminal;
  /** The server, as `--url`, `--token-file` and the environment name it. */
  readonly server: Connection;
}

export interface Values {
  flag(name: string): boolean;
  text(name: string): string | undefined;
  /** Throws UsageError for anything but an integer. */
  integer(name: string): number | undefined;
  number(name: string): number | undefined;
}

/** Exit codes. */
export const DONE = 0;
export const FAILED = 1;
export const USAGE = 2;
export const INTERRUPTED = 130;

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** Options of every command; they may also stand before its name. */
export const GLOBAL_OPTIONS: Readonly<Record<string, Option>> = {
  url: {
    type: "string",
    value: "<url>",
    about: "the server (else VERS_INFRA_URL, else http://127.0.0.1:$PORT, else :3000)",
  },
  "token-file": { type: "string", value: "<file>", about: "file with the token (else VERS_AUTH_TOKEN)" },
  help: { type: "boolean", short: "h", about: "show this" },
};

export const JSON_OPTION: Option = { type: "boolean", about: "print JSON, for programs" };

/** The arguments of one command, checked against its table. */
export function parseCommand(command: Command, argv: readonly string[]): { args: string[]; options: Values } {
  const { values, positionals } = parseStrictly(argv, { ...GLOBAL_OPTIONS, ...command.options });
  const [least, most] = command.takes;
  const options = valuesOf(values);
  if (!options.flag("help")) checkCount(command, positionals, least, most);
  return { args: positionals, options };
}

function parseStrictly(argv: readonly string[], options: Record<string, Option>) {
  const config: ParseArgsConfig["options"] = {};
  for (const [name, { type, short }] of Object.entries(options))
    config[name] = short ? { type, short } : { type };
  try {
    return parseArgs({ args: [...argv], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(inShort(messageOf(error)), { cause: error });
  }
}

/** The parser adds advice that is longer than the error; what helps with a value like `-3` is at its end. */
function inShort(message: string): string {
  const lines = `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`.split("\n");
  const advice = lines.length > 1 ? `. ${lines.at(-1)}` : "";
  return `${lines[0]?.split(". ", 1)[0]?.replace(/\.$/, "")}${advice}`;
}

function checkCount(command: Command, given: readonly string[], least: number, most: number): void {
  if (given.length < least) throw new UsageError(`${command.name} needs ${command.positionals}`);
  const extra = given[most];
  if (extra !== undefined) {
    throw new UsageError(
      `${command.name} takes ${command.positionals || "no arguments"}. Received also: "${extra}"`,
    );
  }
}

function valuesOf(parsed: Record<string, unknown>): Values {
  const text = (name: string) => (typeof parsed[name] === "string" ? parsed[name] : undefined);
  const number = (name: string) => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = given.trim() === "" ? Number.NaN : Number(given);
    if (!Number.isFinite(value)) throw new UsageError(`--${name} must be a number. Received: "${given}"`);
    return value;
  };
  const integer = (name: string) => {
    const value = number(name);
    if (value !== undefined && !Number.isSafeInteger(value)) {
      throw new UsageError(`--${name} must be an integer. Received: "${text(name)}"`);
    }
    return value;
  };
  return { flag: (name) => parsed[name] === true, text, number, integer };
}

/** The name of the command and everything else: global options may come first. */
export function splitCommand(argv: readonly string[]): { name: string | undefined; rest: string[] } {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith("-")) {
    const option = GLOBAL_OPTIONS[(argv[at] ?? "").slice(2)];
    at += option?.type === "string" ? 2 : 1;
  }
  return { name: argv[at], rest: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

export function commandHelp(command: Command): string {
  const usage = `reef ${command.name}${command.positionals ? ` ${command.positionals}` : ""} [options]`;
  const parts = [
    `${command.about}\n\nusage: ${usage}`,
    command.detail,
    optionLines({ ...command.options, ...GLOBAL_OPTIONS }),
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

export function globalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, positionals }) => `${name} ${positionals}`.length));
  const lines = commands.map(
    ({ name, positionals, about }) => `  ${`${name} ${positionals}`.padEnd(width)}  ${about}`,
  );
  return `reef: an agent with a server

usage: reef <command> [options]

${lines.join("\n")}

${optionLines({ ...GLOBAL_OPTIONS, version: { type: "boolean", about: "show the version" } })}

reef <command> --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;
}

function optionLines(options: Readonly<Record<string, Option>>): string {
  const rows = Object.entries(options).map(([name, { short, value, about }]) => ({
    flag: `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`,
    about,
  }));
  const width = Math.max(...rows.map(({ flag }) => flag.length));
  return rows.map(({ flag, about }) => `  ${flag.padEnd(width)}  ${about}`).join("\n");
}
