// The steps of an install or update as they happen, for whoever follows it.
import { messageOf } from "#core/errors.js";

export type StepName = "fetch" | "check" | "packages" | "import" | "load";

export interface Step {
  step: StepName;
  status: "running" | "passed" | "failed" | "skipped";
  detail?: string;
  ms?: number;
}

export type Tell = (step: Step) => void;

/** `work` says what its end is shown with; `skipped` when there was nothing to do. */
export async function inStep<T extends { detail?: string; skipped?: boolean }>(
  tell: Tell,
  step: StepName,
  work: () => Promise<T>,
): Promise<T> {
  const since = performance.now();
  const end = (status: Step["status"], detail: string | undefined) =>
    tell({
      step,
      status,
      ...(detail === undefined ? {} : { detail }),
      ms: Math.round(performance.now() - since),
    });
  tell({ step, status: "running" });
  try {
    const result = await work();
    end(result.skipped ? "skipped" : "passed", result.detail);
    return result;
  } catch (error) {
    end("failed", messageOf(error));
    throw error;
  }
}
