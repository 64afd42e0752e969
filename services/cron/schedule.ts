// When a job fires: at intervals, or as a cron expression says on the wall clock of a time zone. No search goes on for
// long: croner matches patterns on a clock that never changes, and what clock changes mean is decided here.
import { Cron } from "croner";
import { refused } from "#core/http.js";
import { type Expression, readExpression } from "./expression.js";
import { type WallClock, wallClockOf } from "./wall-clock.js";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const YEAR_MS = 366 * 86_400_000;
/** What does not fire within so many years never does. The rarest days, fifth Mondays of February, come every 40. */
const SEARCH_YEARS_MAX = 100;
const YEAR_9999_MS = Date.UTC(9999, 0);

export interface Schedule {
  /** The first fire of a job that begins now. */
  first(now: number): number | undefined;
  /** The first fire after `now`, when one was due at `due`. */
  following(due: number, now: number): number | undefined;
}

/** Throws `bad_request` for what is no schedule, for a zone that is none, and for what fires at no time after `now`. */
export function readSchedule(text: string, timezone: string | undefined, now: number): Schedule {
  const clock = wallClockOf(timezone);
  if (!clock) throw refused(`Invalid time zone: ${timezone}`);
  const schedule = intervalOf(text) ?? onClock(readExpression(text), clock);
  if (schedule.first(now) !== undefined) return schedule;
  throw refused(`Schedule never fires: ${text}`);
}

/** Fires stay a whole number of intervals apart, however late one is. */
function intervalOf(text: string): Schedule | undefined {
  const [, count, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  const every = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (every === 0) throw refused(`Invalid value: ${text}`);
  const reachable = (fire: number) => (fire < YEAR_9999_MS ? fire : undefined);
  return {
    first: (now) => reachable(now + every),
    following: (due, now) => reachable(due + every * Math.max(1, Math.floor((now - due) / every) + 1)),
  };
}

function onClock({ pattern, isFixedTime }: Expression, clock: WallClock): Schedule {
  const matcher = new Cron(pattern, { utcOffset: 0, mode: "6-part" });
  const search: Search = {
    clock,
    matchAfter: (wall) => matcher.nextRun(new Date(wall))?.getTime(),
  };
  const next = (now: number) => (isFixedTime ? nextTimeOfDay(search, now) : nextRunningThrough(search, now));
  return { first: next, following: (_due, now) => next(now) };
}

interface Search {
  clock: WallClock;
  /** The first wall time of the pattern after this one. */
  matchAfter(wall: number): number | undefined;
}

/** Times of the day: one that clocks skip is made up for when they do, one that they show twice counts the first time. */
function nextTimeOfDay({ clock, matchAfter }: Search, now: number): number | undefined {
  const end = now + SEARCH_YEARS_MAX * YEAR_MS;
  let wall = matchAfter(clock.wallAt(now));
  while (wall !== undefined && wall < end) {
    const instant = clock.instantOf(wall);
    if (instant > now) return instant;
    wall = matchAfter(wall);
  }
  return undefined;
}

/** Every so many minutes: whatever clocks show, as often as they show it. Goes from one clock change to the next. */
function nextRunningThrough({ clock, matchAfter }: Search, now: number): number | undefined {
  const end = now + SEARCH_YEARS_MAX * YEAR_MS;
  let start = now;
  let wall = clock.wallAt(now);
  while (start < end) {
    const match = matchAfter(wall);
    if (match === undefined) return undefined;
    const instant = start + (match - clock.wallAt(start));
    const change = clock.changeAfter(start);
    if (instant < change) return instant < end ? instant : undefined;
    start = change;
    // One millisecond before, for a match comes after what is asked for, and the change itself may be one.
    wall = clock.wallAt(change) - 1;
  }
  return undefined;
}
