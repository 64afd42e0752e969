// Query parameters, and the times and durations in them.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import {
  anyText,
  asFlag,
  asPoint,
  asUlid,
  durationMs,
  isoTime,
  readQuery,
  repeated,
  timeMs,
} from "../../src/core/http.js";

async function ask(query: string): Promise<unknown> {
  const app = new Hono().get("/", (c) =>
    c.json(
      readQuery(c, {
        agent: anyText,
        total: asFlag,
        since: asPoint,
        tag: repeated(anyText),
        before: asUlid,
        last: durationMs,
      }),
    ),
  );
  app.onError((error, c) => c.json(error.message));
  return (await app.request(`/${query}`)).json();
}

describe("a query (spec §1.3)", () => {
  test("takes the first of repeated keys, and all where that is meant", async () => {
    expect(await ask("?agent=a&agent=b&tag=x&tag=y")).toEqual({ agent: "a", tag: ["x", "y"] });
    expect(await ask("")).toEqual({ tag: [] });
  });

  test.each([
    ["total=yes", "invalid total: yes"],
    ["total=", "invalid total: "],
    ["since=now", "invalid since: now"],
    ["before=01ARZ3NDEKTSV4RRFFQ69G5FA", "invalid before: 01ARZ3NDEKTSV4RRFFQ69G5FA"],
    ["before=81ARZ3NDEKTSV4RRFFQ69G5FAV", "invalid before: 81ARZ3NDEKTSV4RRFFQ69G5FAV"],
    ["last=1y", "invalid last: 1y"],
    [`since=${"x".repeat(300)}`, `invalid since: ${"x".repeat(200)}…`],
  ])("%.30s is malformed", async (query, message) => expect(await ask(`?${query}`)).toBe(message));

  test("a point is an id in either case, or a time, also with a plus that became a space", async () => {
    const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    expect(await ask(`?since=${id.toLowerCase()}`)).toMatchObject({ since: { id } });
    const ms = Date.UTC(2026, 0, 2, 1, 4, 5);
    expect(await ask("?since=2026-01-02T03:04:05+02:00")).toMatchObject({ since: { ms } });
    expect(await ask("?since=2026-01-02T03:04:05%2B02:00")).toMatchObject({ since: { ms } });
  });
});

describe("a time (spec §1.3)", () => {
  test.each([
    ["2026-01-02", "2026-01-02T00:00:00.000Z"],
    ["20260102", "2026-01-02T00:00:00.000Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02 03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04Z", "2026-01-02T03:04:00.000Z"],
    ["2026-01-02T03Z", "2026-01-02T03:00:00.000Z"],
    ["20260102T030405Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
    ["2026-01-02T03:04:05,678901Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"],
    ["2026-01-02T03:04:05-0930", "2026-01-02T12:34:05.000Z"],
    ["2026-01-02T00:04:05+05", "2026-01-01T19:04:05.000Z"],
    ["2026-01-02T24:00:00Z", "2026-01-03T00:00:00.000Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["0001-01-01", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("%s is %s", (text, iso) => {
    const ms = timeMs(text);
    expect(ms === undefined ? undefined : isoTime(ms)).toBe(iso);
  });

  test.each([
    "",
    "now",
    "1767312000000",
    "2026-01-02T03:04:05",
    "2026-13-01",
    "2026-00-10",
    "2026-02-30",
    "2025-02-29",
    "2026-01-02T25:00:00Z",
    "2026-01-02T24:00:01Z",
    "2026-01-02T03:60:00Z",
    "2026-01-02T03:04:61Z",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05+02:60",
    "2026-1-2",
    "Jan 2 2026",
    "2026-01-02T03:04:05Zx",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "２０２６-01-02",
    "2026-01-02T03:04:05.Z",
  ])("%j is none", (text) => expect(timeMs(text)).toBeUndefined());
});

describe("a duration (spec §1.3)", () => {
  test.each([
    ["1m", 60_000],
    ["24h", 86_400_000],
    ["007d", 604_800_000],
    ["2w", 1_209_600_000],
  ])("%s is %i ms", (text, ms) => expect(durationMs(text)).toBe(ms));

  test.each(["", "h", "0h", "-1h", "1.5h", "1 h", "1H", "1s", "1y", "1hh", "h1"])("%j is none", (text) => {
    expect(durationMs(text)).toBeUndefined();
  });
});
