// The questions that a live run has open: asked as nodes, answered once, their slot given away meanwhile.
import type { Log } from "../core/types.js";
import type { TreeNode } from "../tree/node.js";
import {
  type Answer,
  answerNode,
  answersOf,
  type DialogEvent,
  isSameQuestion,
  pendingNode,
  requestOf,
} from "./dialogs.js";
import type { Lease } from "./lease.js";
import type { CommitForTurn } from "./ports.js";
import type { TurnIdentity } from "./record.js";

const AHEAD_MS = 100;
/** Longer timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Questions {
  /** Asks, or passes on what an earlier run of this turn was answered to the same question. */
  ask(event: DialogEvent): Promise<void>;
  /** The committed answer of a question; passed to pi once a slot is taken again. False when nobody waits for it. */
  answered(pendingId: string, answer: Answer): boolean;
  open(): number;
  /** pi has gone on: what has a time limit and no answer has lapsed there, whatever this side's timer says. */
  lapse(): Promise<void>;
  /** Forgets all of them; nothing is passed on any more. */
  close(): void;
}

interface QuestionPorts {
  commit: CommitForTurn;
  lease: Lease;
  /** The nodes of the turn before this run. */
  before: readonly TreeNode[];
  reply(requestId: string, answer: Answer): void;
  log: Log;
}

export function createQuestions(who: TurnIdentity, ports: QuestionPorts): Questions {
  const unused = answersOf(ports.before);
  const waiting = new Map<string, (answer: Answer | undefined) => void>();
  /** Of those that wait, the ones with a time limit. */
  const timed = new Map<string, TreeNode>();

  function earlierAnswer(event: DialogEvent): Answer | undefined {
    const index = unused.findIndex(({ request }) => isSameQuestion(request, requestOf(event)));
    return index < 0 ? undefined : unused.splice(index, 1)[0]?.answer;
  }

  /** pi settles a question with a time limit by itself; the tree is told. */
  function expire(pending: TreeNode): Promise<unknown> {
    const answer: Answer = { cancelled: true };
    return ports
      .commit((state) =>
        state.turn.pending.includes(pending.id) ? [answerNode(pending, answer, "timeout")] : [],
      )
      .then(
        ([committed]) => committed && settle(pending.id, answer),
        (error) => {
          ports.log.error("a question whose time is up could not be settled:", error);
          settle(pending.id, undefined);
        },
      );
  }

  function settle(pendingId: string, answer: Answer | undefined): boolean {
    const pass = waiting.get(pendingId);
    waiting.delete(pendingId);
    timed.delete(pendingId);
    pass?.(answer);
    return pass !== undefined;
  }

  return {
    async ask(event) {
      const known = earlierAnswer(event);
      if (known) return ports.reply(event.id, known);
      const request = requestOf(event);
      let pass: (answer: Answer | undefined) => void = () => {};
      const given = new Promise<Answer | undefined>((resolve) => {
        pass = resolve;
      });
      const [pending] = await ports.commit((state) => [pendingNode(request, state.turn, who)]);
      if (!pending) return;
      waiting.set(pending.id, pass);
      if (request.timeoutMs !== undefined) timed.set(pending.id, pending);
      const timer =
        request.timeoutMs === undefined
          ? undefined
          : setTimeout(expire, beforePi(request.timeoutMs), pending);
      void ports.lease
        .whileWaiting(() => given)
        .then((answer) => {
          clearTimeout(timer);
          if (answer) ports.reply(event.id, answer);
        });
    },
    answered: settle,
    open: () => waiting.size,
    async lapse() {
      for (const pending of timed.values()) await expire(pending);
    },
    close() {
      for (const pendingId of [...waiting.keys()]) settle(pendingId, undefined);
    },
  };
}

/** A little before pi's own timer: the tree is to say that the time is up before pi goes on as if it were. */
function beforePi(timeoutMs: number): number {
  return Math.min(TIMER_MS_MAX, timeoutMs - Math.min(AHEAD_MS, timeoutMs / 2));
}
