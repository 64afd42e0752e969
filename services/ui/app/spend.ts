// Pure: what was spent: of one node, of many, and day by day.
import type { TreeNode, Usage } from "./types.js";

export const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: 0 };
const KEYS = Object.keys(NO_USAGE) as (keyof Usage)[];

/** What a model message has cost; the end of a turn repeats the sum of its messages, and says nothing new. */
export function usageOf({ role, meta }: Pick<TreeNode, "role" | "meta">): Usage | undefined {
  const usage = role === "assistant" || role === "tool_call" ? meta?.usage : undefined;
  return typeof usage === "object" && usage !== null ? plus(NO_USAGE, usage) : undefined;
}

export function plus(sum: Usage, more: Partial<Usage> | undefined): Usage {
  if (more === undefined) return sum;
  const total = { ...sum };
  for (const key of KEYS) {
    const added = more[key];
    if (typeof added === "number" && Number.isFinite(added)) total[key] += added;
  }
  return total;
}

export interface Spend {
  /** Starts of the days, in seconds since 1970, oldest first. */
  days: number[];
  values: number[];
  /** Dollars where any price is known, else tokens: the two are never mixed in one picture. */
  unit: "$" | "tokens";
  total: Usage;
}

interface Spending {
  usage: Usage;
  createdAt: number;
  startedAt?: number;
  completedAt?: number;
}

/** Days are those of whoever looks. What was spent counts for the day on which a task was last at work. */
export function spendByDay(tasks: readonly Spending[], { now, days }: { now: number; days: number }): Spend {
  const starts = Array.from({ length: days }, (_, at) => startOfDay(now, days - 1 - at));
  const dayOf = (task: Spending) =>
    starts.findLastIndex((start) => (task.completedAt ?? task.startedAt ?? task.createdAt) >= start);
  const counted = tasks.filter((task) => dayOf(task) >= 0);
  const total = counted.reduce((sum, { usage }) => plus(sum, usage), NO_USAGE);
  const unit = total.cost > 0 ? "$" : "tokens";
  const values = starts.map(() => 0);
  for (const task of counted) {
    const at = dayOf(task);
    values[at] = (values[at] ?? 0) + (unit === "$" ? task.usage.cost : task.usage.totalTokens);
  }
  return { days: starts.map((start) => start / 1000), values, unit, total };
}

/** Days differ in length where clocks are changed. */
export function startOfDay(now: number, daysAgo: number): number {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - daysAgo);
  return day.getTime();
}
