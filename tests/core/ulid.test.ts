// Ids grow strictly, whatever the clock does.
import { expect, test } from "bun:test";
import { decodeTime, isValid } from "ulid";
import { ulid } from "../../src/core/ulid.js";

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
