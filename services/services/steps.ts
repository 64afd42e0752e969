// The steps of a deploy as they happen: each is told when it begins and when it has ended, and the one that fails is the
// last.
import { messageOf, ReefError } from "#core/errors.js";

/** What a thrown error says can be of any length; the end of a test's output fits. */
const DETAIL_CHARS_MAX = 4_000;

export type StepName = "validate" | "test" | "load" | "verify";

export interface Step {
  step: StepName;
  status: "passed" | "failed" | "skipped";
  detail?: string;
  ms: number;
}

/** A step that has begun, or one that has ended. */
export type Progress = Step | { step: StepName; status: "running" };

/** The deploy has failed; the reason is the detail of its last step. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
}

export interface OpenStep {
  passed(detail: string): void;
  skipped(detail: string): void;
  /** Returns what to throw: a disk that is full is no property of the service. */
  failed(error: unknown): unknown;
}

export interface Steps {
  readonly list: Step[];
  begin(step: StepName): OpenStep;
}

export function createSteps(tell: (progress: Progress) => void): Steps {
  const list: Step[] = [];
  return {
    list,
    begin(step) {
      const startedAt = performance.now();
      tell({ step, status: "running" });
      const end = (status: Step["status"], detail: string) => {
        const ms = Math.round(performance.now() - startedAt);
        const ended = { step, status, detail: cut(detail), ms };
        list.push(ended);
        tell(ended);
      };
      return {
        passed: (detail) => end("passed", detail),
        skipped: (detail) => end("skipped", detail),
        failed(error) {
          end("failed", messageOf(error));
          if (error instanceof ReefError && error.code === "insufficient_storage") return error;
          return new StepFailed(step, { cause: error });
        },
      };
    },
  };
}

function cut(text: string): string {
  return text.length <= DETAIL_CHARS_MAX ? text : `${text.slice(0, DETAIL_CHARS_MAX - 1)}…`;
}
