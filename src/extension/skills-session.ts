// When a session brings its machine in step with the SkillHub: at its start, before turns, and whenever the hub changes.
import type { HubRemote } from "./skills-remote.js";
import { followChanges } from "./skills-stream.js";
import type { Outcome, SkillSync } from "./skills-sync.js";

const COOLDOWN_MS = 60_000;
/** Changes that come together are one. */
const GATHER_MS = 100;

export interface SkillSessionOptions {
  sync: SkillSync;
  remote: HubRemote;
  /** Ends it. */
  signal: AbortSignal;
  /** Called once, when the server turns out to have a SkillHub. */
  onHub(): void;
  /** What people should know; the same may come again. */
  onProblem(text: string): void;
  now?: () => number;
}

export interface SkillSession {
  /** The first sync. Resolves when it is over, whatever comes of it. */
  start(): Promise<void>;
  /** A turn begins. */
  turn(): void;
  /** At once, after one that is on the way. */
  syncNow(): Promise<Outcome[] | undefined>;
}

export function createSkillSession(options: SkillSessionOptions): SkillSession {
  const { sync, remote, signal, onHub, onProblem, now = Date.now } = options;
  let running: Promise<Outcome[] | undefined> | undefined;
  let isDueAgain = false;
  let hasHub = false;
  let lastAt = Number.NEGATIVE_INFINITY;
  let gathering: NodeJS.Timeout | undefined;
  signal.addEventListener("abort", () => clearTimeout(gathering));

  async function runDue(): Promise<Outcome[] | undefined> {
    let outcomes: Outcome[] | undefined;
    do {
      isDueAgain = false;
      lastAt = now();
      outcomes = await sync.run();
      if (outcomes && !hasHub && !signal.aborted) found();
    } while (isDueAgain && !signal.aborted);
    return outcomes;
  }

  /** One at a time; what is asked for meanwhile is done once more after it. */
  function run(): Promise<Outcome[] | undefined> {
    if (running) isDueAgain = true;
    running ??= runDue().finally(() => (running = undefined));
    return running;
  }

  async function runQuietly(): Promise<void> {
    try {
      const outcomes = (await run()) ?? [];
      for (const { type, name, reason } of outcomes.filter(({ state }) => state === "failed"))
        tell(`SkillHub: the ${type} ${name} was not taken: ${reason}`);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
  }

  function tell(text: string): void {
    if (!signal.aborted) onProblem(text);
  }

  function found(): void {
    hasHub = true;
    onHub();
    void followChanges(remote, { onChange: runSoon, signal });
  }

  function runSoon(): void {
    clearTimeout(gathering);
    gathering = setTimeout(() => void runQuietly(), GATHER_MS);
    gathering.unref();
  }

  return {
    start: runQuietly,
    turn() {
      if (now() - lastAt >= COOLDOWN_MS) void runQuietly();
    },
    async syncNow() {
      await running?.catch(() => undefined);
      return run();
    },
  };
}
