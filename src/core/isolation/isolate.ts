// Services in processes of their own: each version that is to run so gets a process, and a module in the server that
// stands for it. Robustness, not a boundary: what runs there is trusted as the server is.
import { basename, join } from "node:path";
import type { InsideFetch } from "../caller-client.js";
import type { Config } from "../config.js";
import { IMPORT_MS } from "../discover.js";
import { ReefError } from "../errors.js";
import type { StagedCopy } from "../stage.js";
import type { Log, ServiceEventBus, ServiceModule } from "../types.js";
import { clearPlaces, openPlace } from "./place.js";
import { createSessions, type Sessions } from "./sessions.js";
import { createStandIn } from "./stand-in.js";
import { Supervisor } from "./supervisor.js";

const LIMITS = {
  /** Between two looks at the memory of a process, and at its pulse. */
  lookMs: 500,
  /** 10 s without a pulse. */
  silentLooksMax: 20,
  /** Before a process is started again. */
  firstMs: 500,
  longestMs: 30_000,
  /** One that lived so long was well: its next restart comes as fast as the first. */
  wellMs: 60_000,
  importMs: IMPORT_MS,
  initMs: 30_000,
  /** For what a version undoes that does not get to serve. A scope in the server waits a little longer. */
  undoMs: 4_000,
};

export interface IsolationDeps {
  config: Config;
  log(module?: string): Log;
  events: ServiceEventBus;
  /** This server, in process. */
  fetch: InsideFetch;
  /** A fault of a module outside a request: a process that ended; shown as lastError and counted by probation. */
  failed(error: unknown, module: string): void;
}

export interface Isolation {
  /**
   * Imports the copy in a process of its own and resolves to a module that stands for it here and has what the real one
   * has, and always `init`. Rejects with the problem's text, as an import in the server does, and leaves no process then.
   */
  importModule(copy: StagedCopy, limitMs: number): Promise<ServiceModule>;
  /** Ends the process of a copy, if it has one; called when the copy is retired. */
  end(copy: StagedCopy): Promise<void>;
  /** Ends all. Nothing can be imported after. */
  close(): Promise<void>;
}

export function createIsolation(deps: IsolationDeps, limits: Partial<typeof LIMITS> = {}): Isolation {
  const { config } = deps;
  const root = join(config.dataDir, "isolated");
  const supervisors = new Map<string, Supervisor>();
  let cleared: Promise<void> | undefined;
  let isClosed = false;

  async function open(copy: StagedCopy): Promise<{ supervisor: Supervisor; sessions: Sessions }> {
    cleared ??= clearPlaces(root);
    await cleared;
    const place = await openPlace(root, basename(copy.dir), config.dataDir);
    const sessions = createSessions(() => supervisor);
    const supervisor = new Supervisor({
      ...deps,
      copy,
      place,
      limits: { ...LIMITS, ...limits, memoryBytes: config.isolatedMb * 1024 ** 2 },
      onListens: sessions.listens,
      onBack: sessions.reopen,
    });
    supervisors.set(copy.dir, supervisor);
    return { supervisor, sessions };
  }

  async function end({ dir }: Pick<StagedCopy, "dir">): Promise<void> {
    const supervisor = supervisors.get(dir);
    supervisors.delete(dir);
    await supervisor?.end();
  }

  return {
    async importModule(copy, limitMs) {
      if (isClosed) throw new ReefError("unavailable", "reef is stopping");
      await end(copy);
      const { supervisor, sessions } = await open(copy);
      try {
        return createStandIn(await supervisor.import(limitMs), supervisor, sessions);
      } catch (error) {
        await end(copy);
        throw error;
      }
    },
    end,
    async close() {
      isClosed = true;
      await Promise.all([...supervisors.keys()].map((dir) => end({ dir })));
    },
  };
}
