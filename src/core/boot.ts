// Notices a server that dies at every start: a file that stands from before the modules load until reef has run for a
// while counts the starts that ended early.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** So many starts in a row that ended early, and only the stock services are started. */
const EARLY_ENDS_MAX = 3;
const SETTLED_MS = 10_000;

export interface Boot {
  /** Why the user's services are not started now. */
  hold?: string;
  /** The server runs: if it still does in 10 s, this start did not end early. */
  running(): void;
  /** A clean stop is no early end. */
  stopped(): void;
}

/** `safe` forces stock services only, or forbids it; undefined lets the starts before decide. */
export function beginBoot(dataDir: string, safe: boolean | undefined): Boot {
  const file = join(dataDir, "starting");
  const earlyEnds = readCount(file);
  writeFileSync(file, `${earlyEnds + 1}\n`);
  const stopped = () => rmSync(file, { force: true });
  return {
    hold: holdFor(earlyEnds, safe),
    running: () => void setTimeout(stopped, SETTLED_MS).unref(),
    stopped,
  };
}

function holdFor(earlyEnds: number, safe: boolean | undefined): string | undefined {
  if (safe === true) return "not started: REEF_SAFE=1";
  if (safe === false || earlyEnds < EARLY_ENDS_MAX) return undefined;
  return `not started: ${earlyEnds} starts in a row ended early`;
}

function readCount(file: string): number {
  try {
    const count = Number.parseInt(readFileSync(file, "utf8"), 10);
    return count > 0 ? count : 1;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return 0;
    throw error;
  }
}
