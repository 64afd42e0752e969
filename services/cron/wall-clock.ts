// What the clocks on the wall of a time zone show, and when they change. A wall time is a number too: the epoch
// milliseconds of the same digits in UTC.

export interface WallClock {
  wallAt(instant: number): number;
  /** The first instant at which clocks show it; for one that they skip, the instant at which they do. */
  instantOf(wall: number): number;
  /** The first instant after this one at which clocks are changed; Infinity when they never are again. */
  changeAfter(instant: number): number;
}

/** Undefined for what names no zone. Without a name it is the server's own. */
export function wallClockOf(timezone: string | undefined): WallClock | undefined {
  if (timezone === undefined) return clockOf(Temporal.Now.timeZoneId());
  return isZone(timezone) ? clockOf(timezone) : undefined;
}

/** An offset such as `+01:00` is none: it never changes its clocks. */
function isZone(timezone: string): boolean {
  if (!/^[A-Za-z]/.test(timezone)) return false;
  try {
    Temporal.Now.zonedDateTimeISO(timezone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function clockOf(zone: string): WallClock {
  const at = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  const wallAt = (instant: number) => instant + at(instant).offsetNanoseconds / 1e6;
  const changeAfter = (instant: number) =>
    at(instant).getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  return {
    wallAt,
    changeAfter,
    instantOf(wall) {
      const shown = Temporal.Instant.fromEpochMilliseconds(wall).toZonedDateTimeISO("UTC").toPlainDateTime();
      const instant = shown.toZonedDateTime(zone, { disambiguation: "earlier" }).epochMilliseconds;
      return wallAt(instant) === wall ? instant : changeAfter(instant);
    },
  };
}
