// The log of a service in a process: written as every module's, by the server.
import { LEVELS, type LogLevel, written } from "../log.js";
import type { Log } from "../types.js";
import type { ServerPeer } from "./guest.js";

/** The server cuts an entry anyway; this much is worth sending. */
const ENTRY_CHARS_MAX = 65_536;

export function createGuestLog(server: ServerPeer, lowest: LogLevel): Log {
  const at = (level: LogLevel) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return () => {};
    return (...args: unknown[]) =>
      server.tell("log", { level, text: written(args).slice(0, ENTRY_CHARS_MAX) });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
