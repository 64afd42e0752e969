// Pure: tokens and dollars, summed over the frames of a turn.
import type { Usage } from "../tree/node.js";
import { field, numberField } from "./answers.js";
import type { Frame } from "./events.js";
import { dollars } from "./text.js";

export type Spent = Pick<Usage, "input" | "output" | "cost">;

/** The sum after one more frame; the usage on an end frame is the turn's whole and replaces what was added up. */
export function spentIn(sum: Spent, frame: Frame): Spent {
  switch (frame.type) {
    case "message_end":
      return added(sum, spentOf(field(frame.message, "usage")));
    case "tool_execution_start":
      return added(sum, spentOf(frame.usage));
    case "task_done":
      return frame.usage === undefined ? sum : spentOf(frame.usage);
    default:
      return sum;
  }
}

/** Whatever a server says of usage, as numbers. */
export function spentOf(usage: unknown): Spent {
  const [input, output, cost] = ["input", "output", "cost"].map((name) => numberField(usage, name));
  return { input: input ?? 0, output: output ?? 0, cost: cost ?? 0 };
}

export function spentText({ input, output, cost }: Spent): string {
  return `${dollars(cost)} (${input} tokens in, ${output} out)`;
}

function added(a: Spent, b: Spent): Spent {
  return { input: a.input + b.input, output: a.output + b.output, cost: a.cost + b.cost };
}
