// Work that is asked for often and done seldom: whoever asks sees what was true after he asked.
import { expect, test } from "bun:test";
import { gathered } from "./soon.js";

test("is done at once, and once more for all who ask meanwhile", async () => {
  let value = 0;
  const seen: number[] = [];
  const refresh = gathered(async () => {
    const found = value;
    await Bun.sleep(1);
    seen.push(found);
  }, 5);
  const first = refresh();
  value = 1;
  const others = [refresh(), refresh(), refresh()];
  value = 2;
  await Promise.all([first, ...others]);
  expect(seen).toEqual([0, 2]);
  value = 3;
  await refresh();
  expect(seen).toEqual([0, 2, 3]);
});

test("that fails is done again when it is asked for again", async () => {
  let tries = 0;
  const refresh = gathered(async () => {
    if (++tries === 1) throw new TypeError("no network");
  }, 0);
  await refresh();
  await refresh();
  expect(tries).toBe(2);
});
