// Ids grow strictly, whatever the clock does.
import { expect, test } from "bun:test";
import { decodeTime, isValid } from "ulid";
import { asUlid, lastIdAt, timeOf, ulid } from "../../src/core/ulid.js";

test("an id is an upper-case ULID of the time it was made", () => {
  const id = ulid({ now: () => 1_700_000_000_123 })();
  expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(isValid(id)).toBe(true);
  expect(decodeTime(id)).toBe(1_700_000_000_123);
});

test("ids grow within one millisecond and after the clock went back", () => {
  const times = [5, 5, 5, 3, 3, 6, 1];
  const next = ulid({ now: () => times.shift() ?? 9 });
  const ids = Array.from({ length: 7 }, next);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(7);
});

test("ids go on after the newest stored one, in either case", () => {
  const stored = "01ZZZZZZZZ00000000000000ZZ";
  const next = ulid({ after: stored.toLowerCase(), now: () => 0 });
  expect([next(), next()]).toEqual(["01ZZZZZZZZ0000000000000100", "01ZZZZZZZZ0000000000000101"]);
});

test("an id tells its time, and every id of a time lies between the last ones of two milliseconds", () => {
  const ms = 1_700_000_000_123;
  const id = ulid({ now: () => ms })();
  expect(timeOf(id)).toBe(ms);
  expect(lastIdAt(ms - 1) < id && id < lastIdAt(ms)).toBe(true);
  expect([lastIdAt(0) > "", lastIdAt(-1)]).toEqual([true, ""]);
});

test("an id is known in either case, and nothing else is one", () => {
  const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  expect([asUlid(id), asUlid(id.toLowerCase())]).toEqual([id, id]);
  for (const text of [
    "",
    `${id}0`,
    id.slice(1),
    `8${id.slice(1)}`,
    `${id.slice(0, -1)}U`,
    "../../../etc/passwd",
  ])
    expect(asUlid(text)).toBeUndefined();
});
