// The server's log: one line per entry on stderr, with the module's name in front, and without secrets.
import { inspect } from "node:util";
import type { Log } from "./types.js";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** The log of one module, or of the kernel when no name is given. */
export type Logger = (module?: string) => Log;

export interface LogOptions {
  /** What is below it is dropped. Default `info`. */
  level?: LogLevel;
  /** Applied to each whole entry before it is written. */
  redact?: (text: string) => string;
  write?: (text: string) => void;
  now?: () => Date;
}

export const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** An entry longer than this is cut: a module that logs a whole body must not fill the disk of whoever keeps stderr. */
const ENTRY_CHARS_MAX = 16_384;

export function createLog(options: LogOptions = {}): Logger {
  const { redact = (text) => text, now = () => new Date() } = options;
  const write = options.write ?? ((text) => void process.stderr.write(text));
  const lowest = LEVELS.indexOf(options.level ?? "info");

  return (module = "reef") => {
    const at = (level: LogLevel) => (LEVELS.indexOf(level) < lowest ? drop : enter(level));
    const enter =
      (level: LogLevel) =>
      (...args: unknown[]) =>
        write(`${now().toISOString()} ${level.padEnd(5)} ${module}: ${cut(redact(written(args)))}\n`);
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  };
}

function drop(): void {}

/** The text of an entry: what is no text is shown as `console.log` shows it, and deeper. */
export function written(args: unknown[]): string {
  return args.map((arg) => (typeof arg === "string" ? arg : inspect(arg, { depth: 4 }))).join(" ");
}

function cut(text: string): string {
  const over = text.length - ENTRY_CHARS_MAX;
  return over > 0 ? `${text.slice(0, ENTRY_CHARS_MAX)}… (${over} more characters)` : text;
}
