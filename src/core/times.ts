// Points in time and durations as callers write them. Inside, a time is epoch milliseconds; in answers it is ISO 8601
// with milliseconds and `Z`, whatever was sent.

const DAY = String.raw`(?<year>\d{4})-?(?<month>\d\d)-?(?<day>\d\d)`;
const CLOCK = String.raw`(?<hour>\d\d)(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?)?)?`;
const ZONE = String.raw`(?<zone>z|[+\- ]\d\d(?::?\d\d)?)`;
const ISO = new RegExp(`^${DAY}(?:[t ]${CLOCK}${ZONE})?$`, "i");
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const YEAR_0_MS = Date.parse("0000-01-01T00:00:00.000Z");
const YEAR_9999_MS = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Epoch milliseconds of an ISO 8601 time with its zone; a date alone is its midnight in UTC. Undefined for anything
 * else. A `+` that a query string has turned into a space is taken for the `+` that it was.
 */
export function timeMs(text: string): number | undefined {
  const parts = ISO.exec(text)?.groups;
  if (!parts) return undefined;
  const { year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z" } = parts;
  const midnight = Date.parse(`${year}-${month}-${day}T00:00:00.000Z`);
  const isDay = !Number.isNaN(midnight) && new Date(midnight).getUTCDate() === Number(day);
  const clock = clockMs(hour, minute, second, fraction);
  const offset = offsetMs(zone);
  if (!isDay || clock === undefined || offset === undefined) return undefined;
  const ms = midnight + clock - offset;
  return ms >= YEAR_0_MS && ms <= YEAR_9999_MS ? ms : undefined;
}

/** Milliseconds of `<n>m`, `<n>h`, `<n>d` or `<n>w` with `n` from 1 on; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, count, unit = ""] = /^0*([1-9]\d*)([mhdw])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? Number.NaN);
}

/** As answers show a time. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** 24:00:00 is the end of the day, and a leap second is the second after it. */
function clockMs(hour: string, minute: string, second: string, fraction: string): number | undefined {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  if (h > 24 || m > 59 || s > 60) return undefined;
  const total = h * 3_600_000 + m * 60_000 + s * 1000 + ms;
  return h === 24 && total > 86_400_000 ? undefined : total;
}

function offsetMs(zone: string): number | undefined {
  if (zone.toUpperCase() === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", ""));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}
