// What the store refuses: no bad input gets further than a 4xx answer, and none changes anything.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import store from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [store] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) => harness.json(path, { auth: true, ...options });
const put = (key: string, body: object | string) => ask(`/store/${key}`, { method: "PUT", body });
const get = (key: string) => ask(`/store/${key}`);

describe("bad input", () => {
  const deep = `{"value":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const withTtl = (ttl: unknown) => JSON.stringify({ value: 1, ttl });

  test.each([
    ["no body", "PUT", "k", "", 400, "Invalid JSON body"],
    ["no JSON", "PUT", "k", "{", 400, "Invalid JSON body"],
    ["an array", "PUT", "k", "[]", 400, "Invalid JSON body"],
    ["null", "PUT", "k", "null", 400, "Invalid JSON body"],
    ["no value", "PUT", "k", "{}", 400, "value is required"],
    ["a ttl without a value", "PUT", "k", '{"ttl":1}', 400, "value is required"],
    ["a value too deep", "PUT", "k", deep, 400, "value must not be nested deeper than 500 levels"],
    [
      "a ttl of 0",
      "PUT",
      "k",
      withTtl(0),
      400,
      "ttl must be a number of seconds above 0 and at most 315360000. Received: 0",
    ],
    ["a negative ttl", "PUT", "k", withTtl(-1), 400, "ttl must be"],
    ["a ttl over ten years", "PUT", "k", withTtl(315_360_001), 400, "ttl must be"],
    ["an infinite ttl", "PUT", "k", '{"value":1,"ttl":1e999}', 400, "ttl must be"],
    ["a ttl in words", "PUT", "k", withTtl("1"), 400, 'ttl must be a number. Received: "1"'],
    ["a ttl in a list", "PUT", "k", withTtl([1]), 400, "ttl must be a number. Received: [1]"],
    ["half a percent sign", "PUT", "%zz", withTtl(1), 400, "key is not valid percent-encoded UTF-8"],
    ["a lone percent sign", "PUT", "%", withTtl(1), 400, "key is not valid percent-encoded UTF-8"],
    [
      "a percent sign beside a good one",
      "PUT",
      "%25%zz",
      withTtl(1),
      400,
      "key is not valid percent-encoded UTF-8",
    ],
    ["bytes that are no UTF-8", "PUT", "%FF", withTtl(1), 400, "key is not valid percent-encoded UTF-8"],
    ["half a surrogate pair", "PUT", "%ED%A0%80", withTtl(1), 400, "key is not valid percent-encoded UTF-8"],
    ["an empty key", "PUT", "", withTtl(1), 400, "key must be 1 to 512 bytes. Received: 0 bytes"],
    ["a bad key to delete", "DELETE", "%zz", undefined, 400, "key is not valid"],
    ["a bad key to read", "GET", "%zz", undefined, 400, "key is not valid"],
    [
      "too long a wait",
      "GET",
      "kept?wait=61",
      undefined,
      400,
      "wait must be a number of seconds from 0 to 60",
    ],
    ["a negative wait", "GET", "kept?wait=-1", undefined, 400, "wait must be"],
    ["a wait in words", "GET", "kept?wait=long", undefined, 400, "wait must be"],
    ["an empty wait", "GET", "kept?wait=", undefined, 400, "wait must be"],
    ["an infinite wait", "GET", "kept?wait=1e9", undefined, 400, "wait must be"],
    ["a version in words", "GET", "kept?version=one", undefined, 400, "version must be"],
    ["a negative version", "GET", "kept?version=-1", undefined, 400, "version must be"],
    ["another method", "POST", "kept", "{}", 404, "not found"],
    ["a limit of 0", "GET", "?limit=0", undefined, 400, "invalid limit: 0"],
    ["a limit in words", "GET", "?limit=all", undefined, 400, "invalid limit: all"],
    ["a foreign cursor", "GET", "?cursor=abc", undefined, 400, "invalid cursor"],
    ["a cursor of another form", "GET", "?cursor=WzEsMl0", undefined, 400, "invalid cursor"],
  ] as const)(
    "%s is refused and changes nothing (spec §9)",
    async (_what, method, path, body, status, error) => {
      await put("kept", { value: 1 });
      const answer = await ask(`/store/${path}`, { method, body });
      expect(answer.status).toBe(status);
      expect(answer.data.error).toStartWith(error);
      expect((await ask("/store")).data.keys).toMatchObject([{ key: "kept", version: 1 }]);
    },
  );

  test("a value has at most 1 MiB of JSON, however it was escaped (spec §9)", async () => {
    const limit = 1024 * 1024;
    const largest = "x".repeat(limit - 2);
    expect((await put("k", { value: largest })).status).toBe(200);
    expect((await get("k")).data.value).toBe(largest);
    expect(await put("k", { value: `${largest}x` })).toMatchObject({
      status: 413,
      data: { code: "too_large", limit },
    });
    const escaped = `{"value":"${"\\u0078".repeat(limit - 2)}"}`;
    expect((await put("escaped", escaped)).status).toBe(200);
    expect((await put("k", { value: "日".repeat(limit / 2) })).status).toBe(413);
    expect((await put("k", "x".repeat(8 * limit))).data.error).toBe("body too large");
    expect((await get("k")).data.version).toBe(1);
  });
});
