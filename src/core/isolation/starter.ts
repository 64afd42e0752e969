// Starts processes for one copy of a service, one after another when they end, and imports the copy there.
import type { Config } from "../config.js";
import { messageOf, ReefError } from "../errors.js";
import type { StagedCopy } from "../stage.js";
import { newTag, withoutSecrets } from "../trial-place.js";
import { TookTooLong, within } from "../within.js";
import { serverCarrier } from "./carrier.js";
import { createOffers, type OffersOptions } from "./offers.js";
import { ConnectionLost } from "./peer.js";
import type { Place } from "./place.js";
import { explained, type ServicePeer, type ServiceProcess, startProcess } from "./process.js";
import type { Description } from "./protocol.js";
import { type WatchLimits, watchProcess } from "./watch.js";

export interface StarterOptions extends Omit<OffersOptions, "peer"> {
  copy: StagedCopy;
  /** Of the module, once it is known; of its folder before. */
  name(): string;
  place: Place;
  config: Config;
  limits: WatchLimits;
  isServing(process: ServiceProcess): boolean;
}

export interface Imported {
  process: ServiceProcess;
  description: Description;
}

export interface Starter {
  /** Rejects `bad_request` with the problem's text, and leaves no process then. */
  start(limitMs: number): Promise<Imported>;
  /** Ends all processes. None can be started any more. */
  end(): Promise<void>;
}

export function createStarter(options: StarterOptions): Starter {
  const running = new Set<ServiceProcess>();
  const starting = new Set<Promise<unknown>>();
  let isOver = false;

  async function start(): Promise<ServiceProcess> {
    if (isOver) throw new ReefError("unavailable", "reef has ended this version");
    const process = await launch(options);
    running.add(process);
    void process.ended.then(() => running.delete(process));
    return process;
  }

  return {
    async start(limitMs) {
      const since = performance.now();
      const started = problemsAsText(start());
      starting.add(started);
      const process = await started.finally(() => starting.delete(started));
      try {
        const imported = importIn(process, options, { limitMs, since });
        return { process, description: await problemsAsText(imported) };
      } catch (error) {
        await process.end("failed", "was ended: it could not be imported");
        throw error;
      }
    },
    async end() {
      isOver = true;
      await Promise.allSettled(starting);
      await Promise.all([...running].map((process) => process.end("stopped", "was ended")));
    },
  };
}

/** One process, connected and watched, with nothing in it yet. */
async function launch(options: StarterOptions): Promise<ServiceProcess> {
  const { name, place, config, limits, isServing, log } = options;
  const { variable, tag } = await newTag(config.dataDir);
  const folders = { DATA_DIR: config.dataDir, SERVICES_DIR: config.servicesDir };
  const env = { ...withoutSecrets(config), ...folders, ...variable };
  let peer: ServicePeer | undefined;
  const offers = createOffers({
    ...options,
    peer: () => {
      if (peer) return peer;
      throw new ConnectionLost("the process is not connected yet");
    },
  });
  const carrier = serverCarrier(name);
  const process = await startProcess({ name: name(), place, env, tag, ...offers, carrier, log });
  peer = process.peer;
  watchProcess(process, limits, () => isServing(process));
  void process.ended.then(() => offers.close());
  return process;
}

async function importIn(
  process: ServiceProcess,
  { copy, config }: StarterOptions,
  { limitMs, since }: { limitMs: number; since: number },
): Promise<Description> {
  const leftMs = limitMs - (performance.now() - since);
  try {
    const call = () => process.peer.call("import", { copy, config, limitMs });
    return (await within(leftMs, call)).value;
  } catch (error) {
    throw error instanceof TookTooLong ? new TookTooLong(limitMs) : await explained(error, process);
  }
}

/** As the import of a module in the server says it. */
async function problemsAsText<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ReefError) throw error;
    throw new ReefError("bad_request", `import error: ${messageOf(error)}`, {}, { cause: error });
  }
}
