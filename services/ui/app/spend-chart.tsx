// What tasks have cost, day by day: money where prices are known, tokens otherwise.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { now } from "./clock.js";
import { count, spend } from "./format.js";
import { Loading } from "./loading.tsx";
import { type Spend, spendByDay } from "./spend.js";
import { shownTheme } from "./theme.js";
import type { NamedTask } from "./types.js";
import { useLoaded } from "./use-loaded.js";

const DAYS = 14;
const TASKS_COUNTED = 1_000;
const HEIGHT_PX = 190;
const HALF_DAY_S = 43_200;
/** Between two days that are named. */
const DAY_SPACE_PX = 56;

export function SpendChart({ again }: { again: number }) {
  const loaded = useLoaded<{ tasks: NamedTask[]; nextCursor?: string }>(
    `/reef/tasks?order=newest&limit=${TASKS_COUNTED}`,
    again,
  );
  return (
    <Loading of={loaded}>
      {({ tasks, nextCursor }) => {
        const spent = spendByDay(tasks, { now: now.value, days: DAYS });
        const counted = nextCursor ? `the newest ${tasks.length} tasks` : "all tasks";
        return (
          <figure class="chart">
            <figcaption class="muted">
              <strong class="bright">{spend(spent.total)}</strong> in all, of {counted};{" "}
              {count(spent.total.totalTokens)} tokens
            </figcaption>
            <Bars spent={spent} />
            <DayTable spent={spent} />
          </figure>
        );
      }}
    </Loading>
  );
}

/** The picture in words. */
function DayTable({ spent: { days, values, unit } }: { spent: Spend }) {
  return (
    <table class="aside">
      <caption>{unit === "$" ? "US dollars by day" : "Tokens by day"}</caption>
      <tbody>
        {days.map((day, at) => (
          <tr key={day}>
            <th scope="row">{dayText(day)}</th>
            <td>{amount(values[at] ?? 0, unit)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bars({ spent }: { spent: Spend }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = shownTheme();
  useEffect(() => {
    const element = place.current;
    return element ? draw(element, spent) : undefined;
  }, [spent.values.join(), spent.days.join(), theme]);
  return <div ref={place} class="bars" aria-hidden="true" />;
}

/** Returns what takes it away. */
function draw(element: HTMLElement, { days, values, unit }: Spend): () => void {
  const css = getComputedStyle(document.documentElement);
  const color = (name: string) => css.getPropertyValue(name).trim();
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: color("--text-dim"), font, ticks: { show: false } };
  const grid = { stroke: color("--border"), width: 1 };
  const bars = { fill: color("--accent"), width: 0, points: { show: false } };
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        space: DAY_SPACE_PX,
        splits: () => named(days, element.clientWidth),
        values: (_, all) => all.map(dayText),
      },
      { ...axis, grid, size: 60, values: (_, all) => all.map((one) => amount(one, unit)) },
    ],
    scales: {
      x: { range: (_, first, last) => [first - HALF_DAY_S, last + HALF_DAY_S] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    series: [{}, { ...bars, paths: uPlot.paths.bars?.({ size: [0.6, 44] }) }],
  };
  const chart = new uPlot(options, [days, values], element);
  const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
  resized.observe(element);
  return () => {
    resized.disconnect();
    chart.destroy();
  };
}

/** As many days as have room for their names, today always among them. */
function named(days: readonly number[], widthPx: number): number[] {
  const every = Math.max(1, Math.ceil((days.length * DAY_SPACE_PX) / Math.max(widthPx, 1)));
  return days.filter((_, at) => (days.length - 1 - at) % every === 0);
}

function dayText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString(undefined, { month: "short", day: "numeric" });
}

function amount(value: number, unit: Spend["unit"]): string {
  if (unit === "tokens") return count(value);
  return `$${value >= 100 || value === 0 ? Math.round(value) : value.toFixed(value < 0.1 ? 3 : 2)}`;
}
