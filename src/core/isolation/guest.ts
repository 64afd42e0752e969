// A service as it lives in its process: imported, initialised, asked and undone as the server says, with the kernel's own
// parts doing here what they do there.
import { createCallerClient, type InsideFetch } from "../caller-client.js";
import type { Config } from "../config.js";
import { createImporter } from "../discover.js";
import { ReefError } from "../errors.js";
import { createScope, LoadFailed, type Scope } from "../scope.js";
import type { FleetClient, Log, ServiceModule } from "../types.js";
import { describe } from "./describe.js";
import { createGuestBus, type GuestBus } from "./guest-bus.js";
import { createGuestContext } from "./guest-context.js";
import { createGuestFetch, createServe, type Serve } from "./guest-http.js";
import { createGuestLog } from "./guest-log.js";
import { createGuestSessions, type GuestSessions } from "./guest-sessions.js";
import { type GuestTools, recordTools } from "./guest-tools.js";
import type { Answers, Hearers, Peer } from "./peer.js";
import type { Description, ServerCalls, ServerHears, ServiceCalls, ServiceHears } from "./protocol.js";

/** The server, as seen from the process. */
export type ServerPeer = Peer<ServerCalls, ServerHears, ServiceCalls, ServiceHears>;

/** What `init` has made. */
interface Version {
  readonly serve: Serve;
  readonly tools: GuestTools;
  readonly sessions: GuestSessions | undefined;
}

export interface Guest {
  answers: Answers<ServiceCalls>;
  hearers: Hearers<ServiceHears>;
}

export function createGuest(server: () => ServerPeer): Guest {
  let inside: Inside | undefined;
  /** The module, once it was imported. */
  const module = () => present(inside, "imported");
  return {
    answers: {
      async import({ copy, limitMs, config }) {
        const imported = await createImporter()(copy, limitMs);
        inside = new Inside(server(), imported, config);
        return { value: describe(imported) };
      },
      init: async ({ dir }) => ({ value: await module().init(dir) }),
      undo: async ({ failed }) => ({ value: await module().undo(failed) }),
      store: async ({ method }) => ({ value: await module().settleStore(method) }),
      request: (head, call) => module().version.serve(head, call),
      event: async ({ subscription, data }) => ({ value: await module().bus.deliver(subscription, data) }),
      tool: async (order, call) => ({
        value: await module().reachedAt(order.baseUrl).tools.run(order, call),
      }),
      widget: async ({ baseUrl }) => ({ value: await module().widgetLines(baseUrl) }),
      endSession: async (event) => ({ value: await module().version.sessions?.end(event) }),
      ping: async () => ({ value: process.memoryUsage.rss() }),
    },
    hearers: {
      session: (start) => module().reachedAt(start.baseUrl).sessions?.open(start),
      sessionEvent: (event) => module().version.sessions?.hear(event),
    },
  };
}

/** One module and what it is given. */
class Inside {
  readonly bus: GuestBus;
  readonly #server: ServerPeer;
  readonly #module: ServiceModule;
  readonly #config: Config;
  readonly #log: Log;
  readonly #fetch: InsideFetch;
  readonly #client: FleetClient;
  #scope: Scope | undefined;
  #version: Version | undefined;
  /** Where the server can be reached, as it last said. */
  #baseUrl = "http://localhost";

  constructor(server: ServerPeer, module: ServiceModule, config: Config) {
    this.#server = server;
    this.#module = module;
    this.#config = deepFrozen(config);
    this.#log = createGuestLog(server, config.log);
    this.#fetch = createGuestFetch(server);
    this.#client = createCallerClient({ fetch: this.#fetch, baseUrl: () => this.#baseUrl });
    this.bus = createGuestBus(server);
  }

  get version(): Version {
    return present(this.#version, "initialised");
  }

  reachedAt(baseUrl: string | null): Version {
    this.#baseUrl = baseUrl ?? this.#baseUrl;
    return this.version;
  }

  async init(dir: string): Promise<Description> {
    const module = this.#module;
    const [server, config, log, fetch, bus] = [this.#server, this.#config, this.#log, this.#fetch, this.bus];
    const scope = createScope(log);
    this.#scope = scope;
    const baseUrl = () => this.#baseUrl;
    await module.init?.(createGuestContext({ module, dir, config, scope, log, server, bus, fetch, baseUrl }));
    const tools = recordTools(module, this.#client, log);
    const sessions = module.registerBehaviors && createGuestSessions(module, { server, fetch, log });
    this.#version = { serve: createServe(module), tools, sessions };
    return describe(module, tools.recorded);
  }

  async undo(failed: string | undefined): Promise<void> {
    await this.#scope?.undo(failed === undefined ? undefined : new LoadFailed(failed));
  }

  async settleStore(method: "flush" | "close"): Promise<void> {
    await this.#module.store?.[method]?.();
  }

  async widgetLines(baseUrl: string | null): Promise<string[]> {
    this.reachedAt(baseUrl);
    return (await this.#module.widget?.getLines(this.#client)) ?? [];
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new ReefError("unavailable", `the service is not ${what}`);
}

function deepFrozen<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === "object" && item !== null) deepFrozen(item);
  return Object.freeze(value);
}
