// One module version's lifetime: a stack of labelled undos, run in reverse, once. Whatever a version starts is added
// here in the same line, so that ending the version leaves nothing of it behind.
import { ReefError } from "./errors.js";
import type { Log } from "./types.js";
import { within } from "./within.js";

/** One version that holds more than this has a leak; what it tries to start beyond is refused. */
const HOLDS_MAX = 100_000;
/** An undo that is not done by then is logged and left behind, so that it cannot keep a replace or a stop from ending. */
const UNDO_MS = 5_000;

export type HoldKind = "timer" | "subscription" | "dispose" | "stream";

export interface Scope {
  /** Aborts first of all when the scope is undone, with the reason given to `undo`. */
  readonly signal: AbortSignal;
  /** Returns a function that undoes now and forgets. In a scope that has ended, undoes at once. */
  add(kind: HoldKind, label: string, undo: () => void | Promise<void>): () => void;
  holds(): { kind: HoldKind; label: string; count: number }[];
  /** Runs once: aborts `signal`, then awaits every undo, newest first. What fails is logged and keeps no other back. */
  undo(reason?: unknown): Promise<void>;
}

/** The reason with which the signal of a version aborts that never got to serve: what it changed should be put back. */
export class LoadFailed extends Error {
  override readonly name = "LoadFailed";
}

interface Hold {
  kind: HoldKind;
  label: string;
  undo: () => void | Promise<void>;
}

export function createScope(log: Log, options: { undoMs?: number } = {}): Scope {
  const controller = new AbortController();
  const holds = new Set<Hold>();
  let ending: Promise<void> | undefined;

  async function end(hold: Hold): Promise<void> {
    try {
      await within(options.undoMs ?? UNDO_MS, hold.undo);
    } catch (error) {
      log.error(`undo of ${hold.kind} "${hold.label}" failed:`, error);
    }
  }

  async function endAll(reason: unknown): Promise<void> {
    controller.abort(reason);
    for (const hold of [...holds].reverse()) {
      if (holds.delete(hold)) await end(hold);
    }
  }

  return {
    signal: controller.signal,
    add(kind, label, undo) {
      const hold = { kind, label, undo };
      if (!controller.signal.aborted) {
        if (holds.size >= HOLDS_MAX)
          throw new ReefError("unavailable", `more than ${HOLDS_MAX} things started and not ended`);
        holds.add(hold);
        return () => void (holds.delete(hold) && end(hold));
      }
      void end(hold);
      return () => {};
    },
    holds: () => counted(holds),
    undo(reason) {
      ending ??= endAll(reason);
      return ending;
    },
  };
}

function counted(holds: Iterable<Hold>): { kind: HoldKind; label: string; count: number }[] {
  const rows = new Map<string, { kind: HoldKind; label: string; count: number }>();
  for (const { kind, label } of holds) {
    const key = `${kind} ${label}`;
    const row = rows.get(key) ?? { kind, label, count: 0 };
    row.count++;
    rows.set(key, row);
  }
  return [...rows.values()];
}
