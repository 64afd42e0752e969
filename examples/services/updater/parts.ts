// What the parts of the updater share: which reef this is, what it may do, and for how long.
import type { ServiceContext } from "#core/types.js";
import type { History } from "./history.js";
import type { Manifest } from "./installation.js";
import type { Update } from "./update.js";

const MINUTE_MS = 60_000;

export interface Parts {
  ctx: ServiceContext;
  /** Where the reef that runs is installed. */
  root: string;
  manifest: Manifest;
  /** Of the record of an update, and of the guard. */
  dir: string;
  history: History;
  restarts: Restarts;
  limits: Limits;
}

/** How this process becomes another version of reef. */
export interface Restarts {
  /** Throws `conflict` where it cannot. */
  check(): void;
  /** How this process was started, as another version is to be. `link` leads to the installed package. */
  start(link: string): string[];
  into(update: Update): void;
  back(update: Update, error: string): void;
  /** Whether the guard judges this version. */
  isGuarded(): boolean;
}

export interface Limits {
  pollMs: number;
  /** How long an update that applies itself waits for tasks, and how often it looks. */
  idleMs: number;
  idleLookMs: number;
  /** In which a new version has to answer, and how often it is asked. */
  answerMs: number;
  answerLookMs: number;
}

export function limitsOf({ updatePollMinutes }: { updatePollMinutes: number }): Limits {
  return {
    pollMs: updatePollMinutes * MINUTE_MS,
    idleMs: 10 * MINUTE_MS,
    idleLookMs: 5_000,
    answerMs: 30_000,
    answerLookMs: 250,
  };
}
