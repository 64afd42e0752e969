// The tools of the store, run as an agent runs them.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ToolResult } from "#core/types.js";
import store from "./index.js";

const TEXT_CHARS_MAX = 8000;

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [store] });
});
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
const run = async (name: string, params: object) => textOf(await harness.tool(`reef_store_${name}`, params));

describe("reef_store_put", () => {
  test("says which version it stored (spec §12)", async () => {
    const result = await harness.tool("reef_store_put", { key: "k", value: { a: 1 } });
    expect(textOf(result)).toBe('Stored "k" (version 1).');
    expect(result.details).toMatchObject({ key: "k", version: 1 });
    expect(result.isError).toBeFalsy();
  });

  test("says when it expires (spec §12)", async () => {
    const text = await run("put", { key: "k", value: 1, ttl: 60 });
    expect(text).toMatch(/^Stored "k" \(version 1\), expires \d{4}-\d\d-\d\dT[\d:.]+Z\.$/);
  });

  test("says what was wrong and what to do next (spec §12)", async () => {
    const result = await harness.tool("reef_store_put", { key: "k", value: 1, ttl: -1 });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toBe(
      "Error: ttl must be a number of seconds above 0 and at most 315360000. Received: -1. Correct the key or the value and try again.",
    );
    const large = await run("put", { key: "k", value: "x".repeat(1024 * 1024) });
    expect(large).toMatch(/^Error: value is larger than .*\. Split the value over several keys\.$/);
  });

  test.each([["."], [".."], [""], ["half \ud800"], ["k".repeat(20_000)]])(
    "refuses a key that cannot be one",
    async (key) => {
      const result = await harness.tool("reef_store_put", { key, value: 1 });
      expect(result.isError).toBe(true);
      expect(textOf(result).length).toBeLessThanOrEqual(TEXT_CHARS_MAX);
      expect(await run("list", {})).toBe("No keys.");
    },
  );
});

describe("reef_store_get", () => {
  test("gives a string as it is and other values as JSON (spec §12)", async () => {
    await run("put", { key: "text", value: 'say "hi"\n' });
    await run("put", { key: "json", value: { a: [1, null] } });
    await run("put", { key: "null", value: null });
    expect(await run("get", { key: "text" })).toBe('say "hi"\n');
    expect(await run("get", { key: "json" })).toBe('{"a":[1,null]}');
    expect(await run("get", { key: "null" })).toBe("null");
  });

  test("a key that is not there is an answer, no error (spec §12)", async () => {
    const result = await harness.tool("reef_store_get", { key: "k" });
    expect(textOf(result)).toBe('Key "k" not found.');
    expect(result.isError).toBeFalsy();
  });

  test.each(["a/b", "a%2Fb", "../x", "__proto__", "?#& +", "日本\n", "/store/"])(
    "any key works: %j (spec §12)",
    async (key) => {
      await run("put", { key, value: "found" });
      expect(await run("get", { key })).toBe("found");
    },
  );

  test("a long value is cut and says how much is left (spec §12)", async () => {
    await run("put", { key: "k", value: "x".repeat(20_000) });
    const text = await run("get", { key: "k" });
    expect(text).toHaveLength(TEXT_CHARS_MAX);
    const [, left] = /^x+… \((\d+) more characters\)$/.exec(text) ?? [];
    expect(text.indexOf("…") + Number(left)).toBe(20_000);
  });
});

describe("reef_store_list", () => {
  test("gives one key per line (spec §12)", async () => {
    expect(await run("list", {})).toBe("No keys.");
    for (const key of ["b", "a/1", "a/2", "a\nb"]) await run("put", { key, value: 1 });
    expect(await run("list", {})).toBe('"a\\nb"\na/1\na/2\nb');
    expect(await run("list", { prefix: "a/" })).toBe("a/1\na/2");
    expect(await run("list", { limit: 2 })).toBe('"a\\nb"\na/1\n… more; use prefix');
  });

  test("ends before 8000 characters with whole keys (spec §12)", async () => {
    for (let n = 10; n < 50; n++) await run("put", { key: `${n}${"k".repeat(400)}`, value: 1 });
    const text = await run("list", {});
    expect(text.length).toBeLessThanOrEqual(TEXT_CHARS_MAX);
    expect(text).toEndWith("\n… more; use prefix");
    for (const line of text.split("\n").slice(0, -1)) expect(line).toHaveLength(402);
  });
});
