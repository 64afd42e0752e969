// Looks at the registry: one at a time, and a newer version is told of once.
import { ReefError } from "#core/errors.js";
import { installEnv } from "./env.js";
import { tellAvailable } from "./events.js";
import type { Parts } from "./parts.js";
import { isNewer, latestVersion, npmRegistry } from "./registry.js";

export interface Checked {
  package: string;
  current: string;
  latest: string;
  updateAvailable: boolean;
}

export interface Looks {
  readonly isRunning: boolean;
  /** Throws `conflict` while another look is on its way, which `join` waits for instead. */
  check(): Promise<Checked>;
  join(): Promise<Checked>;
}

export function createLooks({ ctx, root, manifest, history }: Parts): Looks {
  let running: Promise<Checked> | undefined;

  async function look(): Promise<Checked> {
    const { name, version } = manifest;
    const registry = ctx.config.npmRegistry ?? (await npmRegistry(name, { cwd: root, env: installEnv(ctx) }));
    const latest = await latestVersion(registry, name, ctx.signal);
    const before = history.look().latest;
    await history.looked(latest, Date.now());
    const found = { package: name, current: version, latest };
    const updateAvailable = isNewer(latest, version);
    if (updateAvailable && latest !== before) tellAvailable(ctx, found);
    return { ...found, updateAvailable };
  }

  function join(): Promise<Checked> {
    running ??= look().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    get isRunning() {
      return running !== undefined;
    },
    join,
    async check() {
      if (running) throw new ReefError("conflict", "Already checking");
      return join();
    },
  };
}
