// The ledger's line in the terminal of every agent.
import { roundedDollarsOf } from "./amounts.js";
import type { Ledger } from "./store.js";

const WEEK_MS = 7 * 86_400_000;

export function widgetLine(ledger: Pick<Ledger, "window">): string {
  const { cost, sessions } = ledger.window(WEEK_MS).sum("all");
  return `Usage: $${roundedDollarsOf(cost).toFixed(2)}, ${sessions} sessions (7d)`;
}
