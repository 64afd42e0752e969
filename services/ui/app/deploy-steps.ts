// The steps of deploys as they are done, whoever began them: this page, a terminal, or an agent in the middle of a task.
import { signal } from "@preact/signals";
import type { Frame } from "./types.js";

export interface Step {
  step: string;
  status: string;
  detail?: string;
}

/** Services whose steps are kept; those that were told of first go. */
const SERVICES_MAX = 50;

/** By service, the steps of its newest deploy. */
export const deploySteps = signal<ReadonlyMap<string, readonly Step[]>>(new Map());

/** A step that begins or ends; the first one of a deploy takes the place of what was told of the deploy before it. */
export function hearStep(name: string, told: Step): void {
  const known = deploySteps.value.get(name) ?? [];
  const before = isFirst(told) ? [] : known.filter(({ step }) => step !== told.step);
  const others = [...deploySteps.value].filter(([one]) => one !== name).slice(1 - SERVICES_MAX);
  deploySteps.value = new Map([...others, [name, [...before, told]]]);
}

export function stepIn({ step, status, detail }: Frame): Step | undefined {
  if (typeof step !== "string" || typeof status !== "string") return undefined;
  return { step, status, ...(typeof detail === "string" && { detail }) };
}

function isFirst({ step, status }: Step): boolean {
  return step === "validate" && status === "running";
}
