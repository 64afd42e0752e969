// What the benchmarks print: one row for each number, judged against its baseline of the same run, and the median.

export interface Row {
  what: string;
  measured: number;
  /** The same unit, taken in the same run. */
  baseline?: number;
  /** `ms`, `MB`, `/s`, … */
  unit: string;
  /** Absent: the number is told and not judged. */
  goal?: Goal;
}

/** A bound on measured / baseline, on measured − baseline, or on the measured number itself. */
export interface Goal {
  of: "ratio" | "difference" | "measured";
  atMost?: number;
  atLeast?: number;
}

export type Verdict = "ok" | "MISS" | "";

const HEAD = ["what", "measured", "baseline", "ratio", "to reach", ""];
const LEFT_ALIGNED = new Set([0, 5]);

export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  return [lines[0] ?? [], rule, ...lines.slice(1)].map((line) => lineOf(line, widths)).join("\n");
}

export function verdictOf(row: Row): Verdict {
  if (row.goal === undefined) return "";
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = row.goal;
  const value = judgedValue(row, row.goal);
  return value >= atLeast && value <= atMost ? "ok" : "MISS";
}

/** The mean of the two in the middle when their number is even; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

function judgedValue(row: Row, { of }: Goal): number {
  const { measured, baseline = Number.NaN } = row;
  if (of === "measured") return measured;
  return of === "ratio" ? measured / baseline : measured - baseline;
}

function cellsOf(row: Row): string[] {
  const { what, measured, baseline, unit } = row;
  const told = baseline === undefined ? "–" : shown(baseline, unit);
  return [what, shown(measured, unit), told, comparisonOf(row), goalText(row), verdictOf(row)];
}

function comparisonOf({ measured, baseline, unit, goal }: Row): string {
  if (baseline === undefined) return "–";
  if (goal?.of === "difference") return signed(measured - baseline, unit);
  return (measured / baseline).toFixed(3);
}

function goalText({ goal, unit }: Row): string {
  if (goal === undefined) return "–";
  const bound = goal.atMost ?? goal.atLeast ?? 0;
  const sign = goal.atMost === undefined ? "≥" : "≤";
  if (goal.of === "ratio") return `${sign} ${bound}`;
  return `${sign} ${goal.of === "difference" ? signed(bound, unit) : shown(bound, unit)}`;
}

function signed(value: number, unit: string): string {
  return `${value < 0 ? "" : "+"}${shown(value, unit)}`;
}

/** Three digits that count, thousands apart. */
function shown(value: number, unit: string): string {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  const number = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit.startsWith("/") ? `${number}${unit}` : `${number} ${unit}`.trimEnd();
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 0;
    return LEFT_ALIGNED.has(column) ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join("  ").trimEnd();
}
