// Amounts of tokens and money, added up without ever being rounded: tokens are whole, and money is counted in whole
// billionths of a dollar.

/** A sum is kept in two columns, for a thousand of the largest amounts would not fit into one of 64 bits. */
export const LOW = 1_000_000_000n;
const CENT = 10_000_000n;

/** What was used, by some number of sessions. */
export interface Sum {
  tokens: bigint;
  /** Billionths of a dollar. */
  cost: bigint;
  sessions: number;
}

/** A sum as its columns hold it. The low parts are from 0 to 999,999,999 in every row, and whatever they add up to in a query. */
export interface SumColumns {
  tokens_high: number;
  tokens_low: number;
  cost_high: number;
  cost_low: number;
  sessions: number;
}

export const NOTHING: Readonly<Sum> = Object.freeze({ tokens: 0n, cost: 0n, sessions: 0 });

export function plus(one: Sum, two: Sum): Sum {
  return {
    tokens: one.tokens + two.tokens,
    cost: one.cost + two.cost,
    sessions: one.sessions + two.sessions,
  };
}

export function negative({ tokens, cost, sessions }: Sum): Sum {
  return { tokens: -tokens, cost: -cost, sessions: -sessions };
}

/** Also of less than nothing, as a correction may be. */
export function columnsOf({ tokens, cost, sessions }: Sum): SumColumns {
  const [tokensHigh, costHigh] = [floorDivided(tokens), floorDivided(cost)];
  return {
    tokens_high: Number(tokensHigh),
    tokens_low: Number(tokens - tokensHigh * LOW),
    cost_high: Number(costHigh),
    cost_low: Number(cost - costHigh * LOW),
    sessions,
  };
}

export function sumOf({ tokens_high, tokens_low, cost_high, cost_low, sessions }: SumColumns): Sum {
  return {
    tokens: BigInt(tokens_high) * LOW + BigInt(tokens_low),
    cost: BigInt(cost_high) * LOW + BigInt(cost_low),
    sessions,
  };
}

/** The whole billionths nearest to an amount in dollars. `toFixed` rounds the number that is meant, not a product of it. */
export function billionthsOf(dollars: number): number {
  return Number(dollars.toFixed(9).replace(".", ""));
}

/** Up to 9 decimals. */
export function dollarsOf(billionths: bigint): number {
  return Number(`${billionths / LOW}.${String(billionths % LOW).padStart(9, "0")}`);
}

/** Dollars with 2 decimals, half a cent and more rounded up. */
export function roundedDollarsOf(billionths: bigint): number {
  return Number((billionths + CENT / 2n) / CENT) / 100;
}

function floorDivided(amount: bigint): bigint {
  const whole = amount / LOW;
  return whole * LOW > amount ? whole - 1n : whole;
}
