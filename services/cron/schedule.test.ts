// When jobs fire: against a clock that is walked through minute by minute, at both clock changes, and for what is no
// schedule.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ReefError } from "#core/errors.js";
import { firesUntil } from "./fires.js";
import { readSchedule } from "./schedule.js";

const BERLIN = "Europe/Berlin";
const DAY_MS = 86_400_000;
const START = Date.parse("2026-01-01T00:00:00Z");

function fires(
  schedule: string,
  { from, zone = "UTC", count = 3 }: { from: string; zone?: string; count?: number },
) {
  const now = Date.parse(from);
  const read = readSchedule(schedule, zone, now);
  const found: string[] = [];
  for (let at = read.first(now); at !== undefined && found.length < count; at = read.following(at, at)) {
    found.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

function refusal(schedule: string, zone?: string): string {
  try {
    readSchedule(schedule, zone, START);
  } catch (error) {
    if (error instanceof ReefError && error.code === "bad_request") return error.message;
    throw error;
  }
  return "none";
}

describe("a cron expression (spec §10, §13.17)", () => {
  const from = "2026-01-01T00:00:00Z";

  test.each([
    ["0 9 * * MON-FRI", ["2026-01-01T09:00Z", "2026-01-02T09:00Z", "2026-01-05T09:00Z"]],
    ["1-5 * * * *", ["2026-01-01T00:01Z", "2026-01-01T00:02Z", "2026-01-01T00:03Z"]],
    ["0 0 * * 7", ["2026-01-04T00:00Z", "2026-01-11T00:00Z", "2026-01-18T00:00Z"]],
    ["0 0 * * 0", ["2026-01-04T00:00Z", "2026-01-11T00:00Z", "2026-01-18T00:00Z"]],
    ["0 0 * * FRI-SUN", ["2026-01-02T00:00Z", "2026-01-03T00:00Z", "2026-01-04T00:00Z"]],
    ["*/20 * * * *", ["2026-01-01T00:20Z", "2026-01-01T00:40Z", "2026-01-01T01:00Z"]],
    ["10-40/15 3 * * *", ["2026-01-01T03:10Z", "2026-01-01T03:25Z", "2026-01-01T03:40Z"]],
    ["0 0 1,15 * *", ["2026-01-15T00:00Z", "2026-02-01T00:00Z", "2026-02-15T00:00Z"]],
    ["0 0 1 jan,JUL *", ["2026-07-01T00:00Z", "2027-01-01T00:00Z", "2027-07-01T00:00Z"]],
    ["0 0 L * *", ["2026-01-31T00:00Z", "2026-02-28T00:00Z", "2026-03-31T00:00Z"]],
    ["0 0 L,15 * *", ["2026-01-15T00:00Z", "2026-01-31T00:00Z", "2026-02-15T00:00Z"]],
    ["0 0 * * MON#2", ["2026-01-12T00:00Z", "2026-02-09T00:00Z", "2026-03-09T00:00Z"]],
    ["0 0 * * 5L", ["2026-01-30T00:00Z", "2026-02-27T00:00Z", "2026-03-27T00:00Z"]],
    ["0 0 * * FRI#L", ["2026-01-30T00:00Z", "2026-02-27T00:00Z", "2026-03-27T00:00Z"]],
    ["0 0 29 2 *", ["2028-02-29T00:00Z", "2032-02-29T00:00Z", "2036-02-29T00:00Z"]],
    ["0 0 * 2 MON#5", ["2044-02-29T00:00Z", "2072-02-29T00:00Z", "2112-02-29T00:00Z"]],
    ["@hourly", ["2026-01-01T01:00Z", "2026-01-01T02:00Z", "2026-01-01T03:00Z"]],
    ["@daily", ["2026-01-02T00:00Z", "2026-01-03T00:00Z", "2026-01-04T00:00Z"]],
    ["@Weekly", ["2026-01-04T00:00Z", "2026-01-11T00:00Z", "2026-01-18T00:00Z"]],
    ["@monthly", ["2026-02-01T00:00Z", "2026-03-01T00:00Z", "2026-04-01T00:00Z"]],
    ["@yearly", ["2027-01-01T00:00Z", "2028-01-01T00:00Z", "2029-01-01T00:00Z"]],
  ])("%s", (schedule, expected) => {
    expect(fires(schedule, { from })).toEqual(expected);
  });

  test("with six fields has seconds first", () => {
    const at = fires("*/25 59 23 * * *", { from, count: 4 });
    expect(at).toEqual([
      "2026-01-01T23:59Z",
      "2026-01-01T23:59:25.000Z",
      "2026-01-01T23:59:50.000Z",
      "2026-01-02T23:59Z",
    ]);
  });

  test("with both day fields restricted fires when either matches", () => {
    expect(fires("0 0 13 * 5", { from, count: 4 })).toEqual([
      "2026-01-02T00:00Z",
      "2026-01-09T00:00Z",
      "2026-01-13T00:00Z",
      "2026-01-16T00:00Z",
    ]);
  });

  test("is read on the clocks of its time zone, and of the server's without one", () => {
    expect(fires("0 9 * * *", { from, zone: "America/New_York", count: 1 })).toEqual(["2026-01-01T14:00Z"]);
    expect(fires("0 9 * * *", { from, zone: "asia/kolkata", count: 1 })).toEqual(["2026-01-01T03:30Z"]);
    const next = readSchedule("0 9 * * *", undefined, START).first(START) ?? 0;
    const here = Temporal.Instant.fromEpochMilliseconds(next).toZonedDateTimeISO(Temporal.Now.timeZoneId());
    expect(here.toPlainTime().toString()).toBe("09:00:00");
  });
});

describe("when clocks go forward (spec §10)", () => {
  test("a time that is skipped runs once, right after the gap", () => {
    expect(fires("30 2 * * *", { from: "2026-03-28T12:00:00Z", zone: BERLIN })).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
      "2026-03-31T00:30Z",
    ]);
    // Half an hour of Lord Howe.
    expect(
      fires("15 2 * * *", { from: "2026-10-03T12:00:00Z", zone: "Australia/Lord_Howe", count: 2 }),
    ).toEqual(["2026-10-03T15:30Z", "2026-10-04T15:15Z"]);
  });

  test("several times in the gap, and one at its end, run once together", () => {
    const at = fires("0,30 1,2,3 * * *", { from: "2026-03-28T23:00:00Z", zone: BERLIN, count: 5 });
    expect(at).toEqual([
      "2026-03-29T00:00Z",
      "2026-03-29T00:30Z",
      "2026-03-29T01:00Z",
      "2026-03-29T01:30Z",
      "2026-03-29T23:00Z",
    ]);
  });

  test("what runs every so many minutes runs through", () => {
    const at = fires("*/30 * * * *", { from: "2026-03-29T00:00:00Z", zone: BERLIN, count: 4 });
    expect(at).toEqual(["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-29T02:00Z"]);
  });
});

describe("when clocks go back (spec §10)", () => {
  test("a time that occurs twice runs once, the first time", () => {
    for (const from of ["2026-10-24T12:00:00Z", "2026-10-25T00:10:00Z"]) {
      expect(fires("30 2 * * *", { from, zone: BERLIN, count: 2 })).toEqual([
        "2026-10-25T00:30Z",
        "2026-10-26T01:30Z",
      ]);
    }
    for (const from of ["2026-10-25T00:40:00Z", "2026-10-25T01:10:00Z"]) {
      expect(fires("30 2 * * *", { from, zone: BERLIN, count: 1 })).toEqual(["2026-10-26T01:30Z"]);
    }
  });

  test("what runs every so many minutes runs through", () => {
    const at = fires("*/30 * * * *", { from: "2026-10-25T00:00:00Z", zone: BERLIN, count: 5 });
    expect(at).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-25T01:00Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:00Z",
      "2026-10-25T02:30Z",
    ]);
  });
});

describe("any expression of minutes and hours (spec §10)", () => {
  const changes = ["2026-03-28T18:00:00Z", "2026-10-24T18:00:00Z", "2026-07-01T18:00:00Z"].map((at) =>
    Date.parse(at),
  );
  const zone = fc.constantFrom(BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC");
  const minutes = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 });
  const hours = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 5 });

  /** The same seen minute by minute: a clock's hands, and what they have pointed at before. */
  function walked(
    zoneId: string,
    from: number,
    matches: (hour: number, minute: number) => boolean,
    isTimeOfDay: boolean,
  ) {
    const found: number[] = [];
    const seen = new Set<string>();
    let due = 0;
    let last = Temporal.Instant.fromEpochMilliseconds(from - DAY_MS).toZonedDateTimeISO(zoneId);
    for (let at = from - DAY_MS + 60_000; at <= from + 2 * DAY_MS; at += 60_000) {
      const now = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zoneId);
      const shown = now.toPlainDateTime();
      if (isTimeOfDay) {
        // The minutes that the hands have passed over since the last look, most often one.
        for (
          let wall = last.toPlainDateTime().add({ minutes: 1 });
          Temporal.PlainDateTime.compare(wall, shown) <= 0;
          wall = wall.add({ minutes: 1 })
        ) {
          if (matches(wall.hour, wall.minute) && !seen.has(wall.toString())) due++;
          seen.add(wall.toString());
        }
      } else if (matches(shown.hour, shown.minute)) due++;
      if (due > 0 && at > from) found.push(at);
      due = 0;
      last = now;
    }
    return found;
  }

  function computed(schedule: string, zoneId: string, from: number): number[] {
    const read = readSchedule(schedule, zoneId, from);
    const found: number[] = [];
    for (let at = read.first(from); at !== undefined && at <= from + 2 * DAY_MS; at = read.following(at, at))
      found.push(at);
    return found;
  }

  test("of plain values fires once for each time of the day, whatever clocks do", () => {
    fc.assert(
      fc.property(zone, minutes, hours, fc.constantFrom(...changes), (zoneId, atMinutes, atHours, from) => {
        const matches = (hour: number, minute: number) =>
          atHours.includes(hour) && atMinutes.includes(minute);
        expect(computed(`${atMinutes} ${atHours} * * *`, zoneId, from)).toEqual(
          walked(zoneId, from, matches, true),
        );
      }),
      { numRuns: 25 },
    );
  });

  test("of every hour or with a step fires whenever clocks show it", () => {
    fc.assert(
      fc.property(
        zone,
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(...changes),
        (zoneId, step, from) => {
          const matches = (_hour: number, minute: number) => minute % step === 0;
          expect(computed(`*/${step} * * * *`, zoneId, from)).toEqual(walked(zoneId, from, matches, false));
        },
      ),
      { numRuns: 25 },
    );
  });

  test("comes after the moment that was asked for, and never twice", () => {
    const from = fc.integer({ min: START, max: START + 3 * 365 * DAY_MS });
    const schedule = fc.constantFrom(
      "30 2 * * *",
      "*/7 * * * *",
      "0,30 1-3 * * *",
      "*/10 * * * * *",
      "15 2 L * *",
      "90m",
      "1d",
    );
    fc.assert(
      fc.property(zone, from, schedule, (zoneId, now, text) => {
        const read = readSchedule(text, zoneId, now);
        const first = read.first(now) ?? 0;
        const second = read.following(first, first) ?? 0;
        expect(first).toBeGreaterThan(now);
        expect(second).toBeGreaterThan(first);
        // However late one looks within the pause, it is the same fire that comes next.
        expect(read.following(first, second - 1)).toBe(second);
      }),
      { numRuns: 200 },
    );
  });
});

describe("an interval (spec §10)", () => {
  test.each([
    ["1s", 1000],
    ["90s", 90_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["60d", 60 * DAY_MS],
    ["4000d", 4000 * DAY_MS],
  ])("%s fires first one interval from now, then on", (text, every) => {
    const read = readSchedule(text, undefined, START);
    expect(read.first(START)).toBe(START + every);
    expect(read.following(START + every, START + every)).toBe(START + 2 * every);
  });

  test("stays on its grid, however late one looks", () => {
    const read = readSchedule("10m", undefined, START);
    const minute = 60_000;
    expect(read.following(START, START + 9 * minute)).toBe(START + 10 * minute);
    expect(read.following(START, START + 10 * minute)).toBe(START + 20 * minute);
    expect(read.following(START, START + 25 * minute)).toBe(START + 30 * minute);
  });
});

describe("what is no schedule (spec §10)", () => {
  const COUNT = "Cron expression must have 5 fields (or 6 with seconds): ";
  test.each([
    ["* * * *", `${COUNT}* * * *`],
    ["0 0 0 1 1 * 2030", `${COUNT}0 0 0 1 1 * 2030`],
    ["2030-01-01T00:00:00", `${COUNT}2030-01-01T00:00:00`],
    ["2030-01-01 00:00:00", `${COUNT}2030-01-01 00:00:00`],
    ["@reboot", `${COUNT}@reboot`],
    ["5M", `${COUNT}5M`],
    ["-5m", `${COUNT}-5m`],
    ["1.5h", `${COUNT}1.5h`],
    ["5 m", `${COUNT}5 m`],
    ["*/0 * * * *", "Invalid step value: 0"],
    ["*/x * * * *", "Invalid step value: x"],
    ["*/ * * * *", "Invalid step value: */"],
    ["*/61 * * * *", "Invalid step value: 61"],
    ["0 */25 * * *", "Invalid step value: 25"],
    ["0 0 * * */8", "Invalid step value: 8"],
    ["1-10/-1 * * * *", "Invalid step value: -1"],
    ["99 * * * *", "Invalid value: 99"],
    ["60 * * * *", "Invalid value: 60"],
    ["0 24 * * *", "Invalid value: 24"],
    ["0 0 0 * *", "Invalid value: 0"],
    ["0 0 32 * *", "Invalid value: 32"],
    ["0 0 1 13 *", "Invalid value: 13"],
    ["0 0 * * 8", "Invalid value: 8"],
    ["61 * * * * *", "Invalid value: 61"],
    ["5-1 * * * *", "Invalid value: 5-1"],
    ["1-2-3 * * * *", "Invalid value: 1-2-3"],
    ["1, * * * *", "Invalid value: 1,"],
    ["-1 * * * *", "Invalid value: -1"],
    ["1.5 * * * *", "Invalid value: 1.5"],
    ["5/15 * * * *", "Invalid value: 5/15"],
    ["*/2/2 * * * *", "Invalid value: */2/2"],
    ["MON * * * *", "Invalid value: MON"],
    ["0 0 * MON *", "Invalid value: MON"],
    ["0 0 * * JAN", "Invalid value: JAN"],
    ["0 0 * * MONDAY", "Invalid value: MONDAY"],
    ["0 0 * * MON#6", "Invalid value: MON#6"],
    ["0 0 * * #2", "Invalid value: #2"],
    ["0 0 * * L", "Invalid value: L"],
    ["0 L * * *", "Invalid value: L"],
    ["0 0 15W * *", "Invalid value: 15W"],
    ["? * * * *", "Invalid value: ?"],
    ["0 0 1 * +MON", "Invalid value: +MON"],
    ["__proto__ * * * *", "Invalid value: __proto__"],
    ["0s", "Invalid value: 0s"],
    ["0 0 30 2 *", "Schedule never fires: 0 0 30 2 *"],
    ["0 0 31 4,6,9,11 *", "Schedule never fires: 0 0 31 4,6,9,11 *"],
    ["99999999999999999999d", "Schedule never fires: 99999999999999999999d"],
  ])("%s", (schedule, message) => {
    expect(refusal(schedule)).toBe(message);
  });

  test.each([
    "Mars/Olympus",
    "+01:00",
    "-0500",
    "2026-01-01T00:00[Europe/Berlin]",
    "x".repeat(100),
    "__proto__",
  ])("nor is %s a time zone", (zone) => {
    expect(refusal("* * * * *", zone)).toBe(`Invalid time zone: ${zone}`);
  });

  test("no text takes long, or ends otherwise than with a schedule or a refusal", () => {
    const piece = fc.constantFrom(
      "*",
      "*/7",
      "0-59",
      "2",
      "L",
      "SUN#L",
      "MON-FRI",
      "1,15",
      "29-31",
      "2/0",
      "x",
      "5L",
    );
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.array(piece, { minLength: 4, maxLength: 7 }).map((pieces) => pieces.join(" ")),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("UTC", BERLIN), (schedule, zone) => {
        const since = performance.now();
        expect(refusal(schedule, zone)).toBeString();
        expect(performance.now() - since).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });

  test("what only clocks that go forward could show is known never to fire, at once (spec §10)", () => {
    const since = performance.now();
    expect(refusal("* * 2 * 3 SUN#L", BERLIN)).toBe("Schedule never fires: * * 2 * 3 SUN#L");
    expect(performance.now() - since).toBeLessThan(500);
    // A time of the day is made up for.
    expect(fires("30 2 * 3 SUN#L", { from: "2026-01-01T00:00:00Z", zone: BERLIN, count: 1 })).toEqual([
      "2026-03-29T01:00Z",
    ]);
  });
});

describe("fires that have passed", () => {
  const until = (schedule: string, due: string, now: string) =>
    firesUntil(Date.parse(now), readSchedule(schedule, "UTC", Date.parse(due)), Date.parse(due));

  test("are counted from the first that was due on, and the next one comes after now (spec §10)", async () => {
    expect(await until("*/10 * * * *", "2026-01-01T00:10:00Z", "2026-01-01T00:10:00Z")).toEqual({
      count: 1,
      next: Date.parse("2026-01-01T00:20:00Z"),
    });
    expect(await until("*/10 * * * *", "2026-01-01T00:10:00Z", "2026-01-02T00:09:59Z")).toEqual({
      count: 144,
      next: Date.parse("2026-01-02T00:10:00Z"),
    });
    expect(await until("7m", "2026-01-01T00:07:00Z", "2026-01-01T00:22:00Z")).toEqual({
      count: 3,
      next: Date.parse("2026-01-01T00:28:00Z"),
    });
  });

  test("are counted up to a limit, beside everything else", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { count, next } = await until("* * * * * *", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z");
    clearInterval(timer);
    expect([count, next]).toEqual([100_000, Date.parse("2026-06-01T00:00:01Z")]);
    expect(turns).toBeGreaterThan(10);
  });
});
