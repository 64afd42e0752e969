// What a service in a process is given in `init`: the context of every module, with the server at the other end of a
// socket, and without a way to the other modules.
import type { InsideFetch } from "../caller-client.js";
import type { Config } from "../config.js";
import { type ContextOptions, createContext } from "../context.js";
import { ReefError } from "../errors.js";
import type { Scope } from "../scope.js";
import type { Log, ServiceContext, ServiceModule } from "../types.js";
import type { ServerPeer } from "./guest.js";
import type { GuestBus } from "./guest-bus.js";
import { isJson, jsonFields } from "./json.js";

/** How `openStorage` names its undo. */
const STORAGE = /^storage: (.+)$/;

export interface GuestContextOptions {
  module: ServiceModule;
  dir: string;
  config: Config;
  scope: Scope;
  log: Log;
  server: ServerPeer;
  bus: GuestBus;
  fetch: InsideFetch;
  baseUrl(): string;
}

export function createGuestContext(options: GuestContextOptions): ServiceContext {
  const { module, log, server, bus, scope } = options;
  const { name } = module;
  const context = createContext({
    ...options,
    name,
    events: bus,
    log: () => log,
    registry: refusingRegistry(module),
    record: async (event) => (await server.call("record", recordable(event))).value,
  });
  return {
    ...context,
    onDispose(label, undo) {
      scope.add("dispose", label, undo);
      const [, path] = STORAGE.exec(label) ?? [];
      if (path === undefined) return;
      // At once: what follows may be what ends this process, and then the server has to look after the file.
      server.tell("storage", { path });
      server.flush();
    },
  };
}

/** As the tree takes an event: fields that JSON cannot hold are left out, and of the further ones all or none. */
function recordable(event: Record<string, unknown>): Record<string, unknown> {
  if (isJson(event)) return event;
  const { type, source, content, parentId, ...rest } = event;
  return { ...jsonFields({ type, source, content, parentId }), ...(isJson(rest) ? rest : { dropped: true }) };
}

/** Those that answer at once, and so have to throw at once. */
const SYNCHRONOUS = new Set<string | symbol>(["list", "problems", "traffic", "kept", "nameProblem"]);

/** Modules are managed in the server, whatever the face of its registry offers. */
function refusingRegistry(module: ServiceModule): ContextOptions["registry"] {
  const refuse = () => {
    throw new ReefError("forbidden", "a service in a process of its own cannot manage services");
  };
  const face: ContextOptions["registry"] = Object.assign(Object.create(null), {
    live: new Map([[module.name, { module }]]),
  });
  return new Proxy(face, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      return SYNCHRONOUS.has(name) ? refuse : async () => refuse();
    },
  });
}
