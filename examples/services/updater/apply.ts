// Applies what a look found: makes the new version ready, and restarts into it. One at a time; what goes wrong before the
// restart changes nothing.
import { dirname, join } from "node:path";
import { messageOf, ReefError } from "#core/errors.js";
import { isoTime } from "#core/http.js";
import { installEnv } from "./env.js";
import { tellOutcome } from "./events.js";
import { dropStage, type Staged, stage, stageOf } from "./install.js";
import { findInstallation, type Installation } from "./installation.js";
import { takeLock } from "./lock.js";
import type { Checked, Looks } from "./looks.js";
import type { Parts } from "./parts.js";
import { tryStart } from "./trial.js";
import type { Update } from "./update.js";

/** So that the answer goes out first. */
const RESTART_MS = 100;

export interface Applied {
  message: string;
  from?: string;
  to?: string;
}

export interface Applying {
  readonly isRunning: boolean;
  /** Resolves when the new version is ready; the restart comes right after. */
  apply(): Promise<Applied>;
}

export function createApplying(parts: Parts, looks: Pick<Looks, "join">): Applying {
  const { ctx, restarts } = parts;
  let isRunning = false;

  async function begin(): Promise<Update | undefined> {
    const found = await looks.join().catch((error) => {
      // What could not be applied anyway needs no registry to say so.
      findInstallation(parts.root, parts.manifest);
      throw error;
    });
    if (!found.updateAvailable) return undefined;
    const installation = findInstallation(parts.root, parts.manifest);
    restarts.check();
    return ready(parts, installation, found);
  }

  return {
    get isRunning() {
      return isRunning;
    },
    async apply() {
      if (isRunning) throw new ReefError("conflict", "Already applying");
      isRunning = true;
      let isRestarting = false;
      try {
        const update = await begin();
        if (update === undefined) return { message: "Already up to date" };
        ctx.setTimeout(() => restarts.into(update), RESTART_MS);
        isRestarting = true;
        const { from, to } = update;
        return { message: `Updating to ${to}: reef restarts`, from, to };
      } finally {
        isRunning = isRestarting;
      }
    },
  };
}

/** The lock is held until the process ends. */
async function ready(
  parts: Parts,
  installation: Installation,
  { current, latest }: Checked,
): Promise<Update> {
  const release = takeLock(stageOf(installation));
  try {
    const staged = await stagedBy(parts, installation, latest);
    if (parts.ctx.config.supervised) await tryStaged(parts, staged);
    return {
      from: current,
      to: latest,
      state: "ready",
      error: null,
      ...staged,
      start: parts.restarts.start(installation.link),
      url: parts.ctx.url(),
    };
  } catch (error) {
    const failure = {
      from: current,
      to: latest,
      at: isoTime(Date.now()),
      status: "failed" as const,
      error: messageOf(error),
    };
    await dropStage(stageOf(installation));
    release();
    await parts.history.add(failure);
    tellOutcome(parts.ctx, failure);
    throw error;
  }
}

function stagedBy({ ctx, manifest }: Parts, installation: Installation, version: string): Promise<Staged> {
  const registry = ctx.config.npmRegistry;
  return stage(installation, {
    name: manifest.name,
    version,
    registry,
    env: installEnv(ctx),
    signal: ctx.signal,
  });
}

function tryStaged({ ctx, restarts }: Parts, { stage, staged, manifest }: Staged): Promise<void> {
  const start = restarts.start(dirname(join(staged, manifest)));
  return tryStart(start, join(stage, "trial"), installEnv(ctx));
}
