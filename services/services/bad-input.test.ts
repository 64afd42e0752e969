// What the services manager refuses: no bad input gets further than a 4xx answer, and none changes anything.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import services from "./index.js";

const HASH = "sha256:0123abcd";

let harness: TestHarness;
let before: Awaited<ReturnType<typeof everything>>;
beforeAll(async () => {
  harness = await createTestHarness({ services: [services] });
  const dir = join(harness.ctx.servicesDir, "hello");
  await mkdir(dir);
  await writeFile(join(dir, "index.ts"), 'export default { name: "hello" };');
  await ask("POST", "/deploy", { name: "hello" });
  await ask("POST", "/seeds/register", { contentHash: HASH, name: "hello" });
  before = await everything();
});
afterAll(() => harness.cleanup());

const ask = (method: string, path: string, body?: unknown) =>
  harness.json(`/services${path}`, { auth: true, method, body });

/** All that a change could be seen in; an update that changes nothing is refused, so it shows nothing here. */
async function everything() {
  const { modules, problems } = (await ask("GET", "")).data;
  return {
    modules: modules.map(({ name, hash, loadedAt }: Record<string, unknown>) => ({ name, hash, loadedAt })),
    problems,
    deploys: (await ask("GET", "/deploys")).data,
    seed: (await ask("POST", "/seeds/register", { contentHash: HASH, name: "hello" })).data,
  };
}

const huge = "x".repeat(100_000);

describe("bad input", () => {
  test.each([
    ["POST", "/deploy", undefined, "Invalid JSON body"],
    ["POST", "/deploy", "{", "Invalid JSON body"],
    ["POST", "/deploy", "[]", "Invalid JSON body"],
    ["POST", "/deploy", "null", "Invalid JSON body"],
    ["POST", "/deploy", '"hello"', "Invalid JSON body"],
    ["POST", "/deploy", {}, "name is required"],
    ["POST", "/deploy", { name: null }, "name is required"],
    ["POST", "/deploy", { name: "" }, "name is required"],
    ["POST", "/deploy", { name: "  " }, "name is required"],
    ["POST", "/deploy", { name: 1 }, "name must be a string. Received: 1"],
    ["POST", "/deploy", { name: ["hello"] }, "name must be a string"],
    ["POST", "/deploy", { name: {} }, "name must be a string"],
    ["POST", "/deploy", { name: true }, "name must be a string"],
    ["POST", "/deploy", { name: ".." }, 'invalid name ".."'],
    ["POST", "/deploy", { name: "../hello" }, 'invalid name "../hello"'],
    ["POST", "/deploy", { name: "hello/../hello" }, "invalid name"],
    ["POST", "/deploy", { name: "/etc" }, "invalid name"],
    ["POST", "/deploy", { name: "hello\\" }, "invalid name"],
    ["POST", "/deploy", { name: "hello\n" }, "invalid name"],
    ["POST", "/deploy", { name: "hello\u0000" }, "invalid name"],
    ["POST", "/deploy", { name: "Hello" }, "invalid name"],
    ["POST", "/deploy", { name: "-hello" }, "invalid name"],
    ["POST", "/deploy", { name: ".installer.json" }, "invalid name"],
    ["POST", "/deploy", { name: "日本" }, "invalid name"],
    ["POST", "/deploy", { name: "h".repeat(65) }, "invalid name"],
    ["POST", "/deploy", { name: huge }, "invalid name"],
    ["POST", "/deploy", { name: "__proto__" }, "invalid name"],
    ["GET", "/deploys?limit=0", undefined, "invalid limit: 0"],
    ["GET", "/deploys?limit=-1", undefined, "invalid limit: -1"],
    ["GET", "/deploys?limit=all", undefined, "invalid limit: all"],
    ["GET", "/deploys?limit=1.5", undefined, "invalid limit: 1.5"],
    ["GET", "/deploys?cursor=abc", undefined, "invalid cursor"],
    ["GET", "/deploys?cursor=", undefined, "invalid cursor"],
    [
      "GET",
      `/deploys?cursor=${Buffer.from('["deploys x","1"]').toString("base64url")}`,
      undefined,
      "invalid cursor",
    ],
    [
      "GET",
      `/deploys?cursor=${Buffer.from('["deploys ",1]').toString("base64url")}`,
      undefined,
      "invalid cursor",
    ],
    ["GET", "/deploys/absent", undefined, "not found"],
    ["GET", `/deploys/${huge}`, undefined, "not found"],
    ["GET", "/deploys/%00", undefined, "not found"],
    ["POST", "/absent/rollback", undefined, "No service directory"],
    ["POST", "/..%2Fhello/rollback", undefined, "No service directory"],
    ["POST", "/hello/rollback", undefined, "Nothing to roll back to"],
    ["POST", "/hello/rollback", "[", "Invalid JSON body"],
    ["POST", "/hello/rollback", "[]", "Invalid JSON body"],
    ["POST", "/hello/rollback", { hash: 1 }, "hash must be a string"],
    ["POST", "/hello/rollback", { hash: ["sha256:0"] }, "hash must be a string"],
    ["POST", "/hello/rollback", { hash: "sha256:0" }, "No version"],
    ["POST", "/hello/rollback", { hash: "../../hello" }, "No version"],
    ["POST", "/hello/rollback", { hash: huge }, "No version"],
    ["GET", "/export/absent", undefined, 'Module "absent" not found'],
    ["POST", "/check", "[]", "Invalid JSON body"],
    ["POST", "/check", { capabilities: [huge] }, "capabilities array required"],
    ["POST", "/seeds/register", "", "Invalid JSON body"],
    ["POST", "/seeds/register", {}, "contentHash is required"],
    ["POST", "/seeds/register", { name: "x" }, "contentHash is required"],
    ["POST", "/seeds/register", { contentHash: 1, name: "x" }, "contentHash must be"],
    [
      "POST",
      "/seeds/register",
      { contentHash: "md5:00", name: "x" },
      "contentHash must be a string that matches",
    ],
    ["POST", "/seeds/register", { contentHash: "sha256:", name: "x" }, "contentHash must be"],
    ["POST", "/seeds/register", { contentHash: `sha256:${huge}`, name: "x" }, "contentHash must be"],
    ["POST", "/seeds/register", { contentHash: "sha256:1" }, "name is required"],
    ["POST", "/seeds/register", { contentHash: "sha256:1", name: 5 }, "name must be a string"],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: huge },
      "name is longer than 200 characters",
    ],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", versionLabel: 2 },
      "versionLabel must be",
    ],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", method: "cut" },
      'method must be one of "germination", "graft"',
    ],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", requiredCapabilities: "a" },
      "requiredCapabilities must be an array",
    ],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", requiredCapabilities: [1] },
      "requiredCapabilities[0] must be",
    ],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", optionalCapabilities: Array(201).fill("a") },
      "optionalCapabilities has more than 200 items",
    ],
    ["POST", "/seeds/register", { contentHash: "sha256:1", name: "x", sourceUrl: {} }, "sourceUrl must be"],
    [
      "POST",
      "/seeds/register",
      { contentHash: "sha256:1", name: "x", sourceUrl: huge },
      "sourceUrl is longer than",
    ],
    ["POST", "/seeds/register", { contentHash: HASH, name: "x" }, `Seed ${HASH} is already registered`],
    ["PATCH", "/seeds/sha256:absent", { conformance: "full" }, "Seed sha256:absent not found"],
    ["PATCH", `/seeds/${HASH}`, "", "one of conformance, testResults, lastVerified is required"],
    ["PATCH", `/seeds/${HASH}`, {}, "one of conformance, testResults, lastVerified is required"],
    ["PATCH", `/seeds/${HASH}`, { name: "x" }, "one of conformance, testResults, lastVerified is required"],
    ["PATCH", `/seeds/${HASH}`, { conformance: 1 }, "conformance must be a string"],
    ["PATCH", `/seeds/${HASH}`, { conformance: huge }, "conformance is longer than 200 characters"],
    ["PATCH", `/seeds/${HASH}`, { testResults: [] }, "testResults must be an object"],
    ["PATCH", `/seeds/${HASH}`, { testResults: "passed" }, "testResults must be an object"],
    ["PATCH", `/seeds/${HASH}`, { testResults: { huge } }, "testResults is larger than 65536 bytes of JSON"],
    ["PATCH", `/seeds/${HASH}`, { lastVerified: "soon" }, "lastVerified must be a time"],
    ["PATCH", `/seeds/${HASH}`, { lastVerified: 5 }, "lastVerified must be a string"],
    ["PUT", "/deploy", {}, "not found"],
    ["GET", "/deploy", undefined, "not found"],
    ["DELETE", "/deploys/absent", undefined, "not found"],
  ] as const)(
    "%s /services%p %j is refused and changes nothing (spec §6.1)",
    async (method, path, body, error) => {
      const { status, data, headers } = await ask(method, path, body);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(data.error).toContain(error);
      expect(data.error.length).toBeLessThan(101_000);
      expect(headers.get("X-Reef-Error")).not.toBeNull();
      expect(await everything()).toEqual(before);
    },
  );

  test("nobody without a token deploys or reads anything (spec §2.2)", async () => {
    for (const [method, path] of [
      ["POST", "/deploy"],
      ["GET", "/deploys"],
      ["POST", "/hello/rollback"],
      ["GET", "/export/hello"],
      ["POST", "/seeds/register"],
      ["GET", "/conformance"],
    ] as const) {
      expect((await harness.fetch(`/services${path}`, { method })).status).toBe(401);
    }
  });
});
