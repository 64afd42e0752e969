// The answer of GET /usage: sums of a window as numbers, money rounded to cents beside the exact one.
import { dollarsOf, roundedDollarsOf, type Sum } from "./amounts.js";
import type { Costly } from "./costliest.js";
import type { Day, Window } from "./window.js";

export const AGENTS_SHOWN_MAX = 1_000;
const MODELS_SHOWN_MAX = 1_000;
export const TASKS_SHOWN_MAX = 100;
export const DAYS_SHOWN_MAX = 366;
const DAY_MS = 86_400_000;

/** What there is beside the totals and the agents. */
export const BREAKDOWNS = ["model", "task", "day"] as const;
export type Breakdown = (typeof BREAKDOWNS)[number];

interface Shown {
  tokens: number;
  cost: number;
  sessions: number;
}

export interface Summary {
  /** As it was sent. */
  range: string;
  totals: Shown & { vms: number };
  byAgent: Record<string, Shown>;
  /** Money with up to 9 decimals. */
  exact: { cost: number; byAgent: Record<string, number> };
  byModel?: Record<string, Shown>;
  byTask?: Record<string, Shown>;
  /** By `YYYY-MM-DD`, oldest first. */
  byDay?: Record<string, Shown>;
}

export function summaryOf(range: string, window: Window, by: ReadonlySet<Breakdown>): Summary {
  const all = window.sum("all");
  const agents = window.top("agent", AGENTS_SHOWN_MAX);
  const named = (names: Costly[]) => dictionary(names.map((one) => [one.name, shown(one)]));
  return {
    range,
    totals: { ...shown(all), vms: window.sum("vm").sessions },
    byAgent: named(agents),
    exact: {
      cost: dollarsOf(all.cost),
      byAgent: dictionary(agents.map(({ name, cost }) => [name, dollarsOf(cost)])),
    },
    ...(by.has("model") && { byModel: named(window.top("model", MODELS_SHOWN_MAX)) }),
    ...(by.has("task") && { byTask: named(window.top("task", TASKS_SHOWN_MAX)) }),
    ...(by.has("day") && {
      byDay: dictionary(window.days(DAYS_SHOWN_MAX).map((day) => [dateOf(day), shown(day)])),
    }),
  };
}

function shown({ tokens, cost, sessions }: Sum): Shown {
  return { tokens: Number(tokens), cost: roundedDollarsOf(cost), sessions };
}

function dateOf({ day }: Day): string {
  return new Date(day * DAY_MS).toISOString().slice(0, "YYYY-MM-DD".length);
}

/** An object that takes any key, `__proto__` too. */
function dictionary<T>(entries: [string, T][]): Record<string, T> {
  return Object.fromEntries(entries);
}
