// The updater: what is known, looks at the registry, and updates.
import { dirname, join } from "node:path";
import type { ServiceContext } from "#core/types.js";
import { type Applied, createApplying } from "./apply.js";
import { type HistoryEntry, openHistory } from "./history.js";
import { readManifest } from "./installation.js";
import { type Checked, createLooks } from "./looks.js";
import { type Limits, limitsOf, type Parts, type Restarts } from "./parts.js";
import { startPolls } from "./polls.js";
import { isNewer } from "./registry.js";
import { createRestarts } from "./restart.js";
import { settleUpdate } from "./settle.js";

export interface Status {
  package: string;
  current: string;
  /** Null before the first look. */
  latest: string | null;
  updateAvailable: boolean;
  lastChecked: string | null;
  checking: boolean;
  applying: boolean;
  /** Minutes; 0 = never. */
  pollInterval: number;
  autoApply: boolean;
  /** Newest first. */
  history: HistoryEntry[];
  /** Why the last look by itself failed. */
  error?: string;
}

export interface Updater {
  status(): Status;
  check(): Promise<Checked>;
  apply(): Promise<Applied>;
}

export interface UpdaterOptions {
  root?: string;
  restarts?: Restarts;
  limits?: Partial<Limits>;
}

export function openUpdater(ctx: ServiceContext, options: UpdaterOptions = {}): Updater {
  const { config } = ctx;
  // Stock services lie in reef's own package.
  const root = options.root ?? dirname(config.stockDir);
  const dir = join(ctx.dataDir, "updater");
  const history = openHistory(ctx);
  const parts: Parts = {
    ...{ ctx, root, dir, history },
    manifest: readManifest(root),
    restarts: options.restarts ?? createRestarts(ctx, { root, dir }),
    limits: { ...limitsOf(config), ...options.limits },
  };
  const looks = createLooks(parts);
  const applying = createApplying(parts, looks);
  const polls = startPolls(parts, { looks, applying });
  settleUpdate(parts).catch((error) => ctx.log.error("how the last update went is not known:", error));

  return {
    status() {
      const { name, version } = parts.manifest;
      const { latest, lastChecked } = history.look();
      return {
        package: name,
        current: version,
        latest,
        updateAvailable: latest !== null && isNewer(latest, version),
        lastChecked,
        checking: looks.isRunning,
        applying: applying.isRunning,
        pollInterval: config.updatePollMinutes,
        autoApply: config.updateAutoApply,
        history: history.list(),
        ...(polls.error !== undefined && { error: polls.error }),
      };
    },
    check: looks.check,
    apply: applying.apply,
  };
}
