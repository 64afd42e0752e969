// The five figures in which tokens and money are told: what each may be, and whether shares add up to a whole.
import { type Field, number, refused, shape } from "#core/http.js";
import { billionthsOf, dollarsOf } from "./amounts.js";

/** Dollars, of one figure: up to here a number tells a billionth from the next one. */
export const COST_MAX = 1_000_000;

const FIGURES = ["input", "output", "cacheRead", "cacheWrite", "total"] as const;

export type Figures = Record<(typeof FIGURES)[number], number>;
/** Of one model among several: all five figures, or the total alone. */
export type Share = Figures | number;

export interface Measure {
  figures: Field<Figures>;
  share: Field<Share>;
  /** As it is stored and added up. */
  exact(figure: number): bigint;
}

export const TOKENS: Measure = measure("tokens", {
  max: Number.MAX_SAFE_INTEGER,
  isInteger: true,
  stored: (tokens) => tokens,
  exact: BigInt,
});

export const COST: Measure = measure("cost", {
  max: COST_MAX,
  isInteger: false,
  stored: (dollars) => dollarsOf(BigInt(billionthsOf(dollars))),
  exact: (dollars) => BigInt(billionthsOf(dollars)),
});

/** The totals have to add up in any case, each other figure where all shares have it. */
export function addsUp(shares: readonly Share[], whole: Figures, { exact }: Measure): boolean {
  const sum = (amounts: number[]) => amounts.reduce((sum, amount) => sum + exact(amount), 0n);
  const told = shares.filter((share) => typeof share === "object");
  if (sum(shares.map(totalOf)) !== exact(whole.total)) return false;
  if (told.length < shares.length) return true;
  return FIGURES.every((figure) => sum(told.map((share) => share[figure])) === exact(whole[figure]));
}

export function totalOf(share: Share): number {
  return typeof share === "number" ? share : share.total;
}

interface MeasureRules {
  max: number;
  isInteger: boolean;
  stored(figure: number): number;
  exact: Measure["exact"];
}

function measure(what: string, { max, isInteger, stored, exact }: MeasureRules): Measure {
  const limited = number({ min: 0, max, isInteger });
  const any = number({ min: 0, isInteger });
  const five = shape(
    { input: any, output: any, cacheRead: any, cacheWrite: any, total: any },
    `${what} must include ${FIGURES.join(", ")} as numbers`,
  );
  const figures: Field<Figures> = (value, name) => {
    const { input, output, cacheRead, cacheWrite, total } = five(value, name);
    if (Math.max(input, output, cacheRead, cacheWrite, total) > max)
      throw refused(`${what} must be at most ${max} each`);
    return {
      input: stored(input),
      output: stored(output),
      cacheRead: stored(cacheRead),
      cacheWrite: stored(cacheWrite),
      total: stored(total),
    };
  };
  const share: Field<Share> = (value, name) =>
    typeof value === "number" ? stored(limited(value, name)) : figures(value, name);
  return { figures, share, exact };
}
