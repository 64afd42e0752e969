// The `pi` that a module's registerTools and registerBehaviors get in the server: what it does not offer exists only
// inside pi, does nothing here, and is named in the log once.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import type { Log } from "./types.js";

export interface RecorderOptions {
  log: Log;
  /** What was warned about already, shared by all recorders of one module version. */
  warned: Set<string>;
}

/** `offered` is what the server really does. */
export function createRecorder(offered: object, { log, warned }: RecorderOptions): ExtensionAPI {
  const ignore = (name: string) => () => {
    if (warned.has(name)) return;
    warned.add(name);
    log.warn(`pi.${name} works only inside pi and does nothing here`);
  };
  const recorder = new Proxy(offered, {
    get(target, name) {
      // A promise would take any object with `then` for one of its own.
      if (typeof name === "symbol" || name === "then" || name in target) return Reflect.get(target, name);
      return ignore(name);
    },
  });
  return recorder as ExtensionAPI;
}
