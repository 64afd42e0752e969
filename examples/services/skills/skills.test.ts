// SkillHub over HTTP, in process and with a file of its own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import skills from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [skills] });
});
afterEach(() => harness.cleanup());

const ask = (path: string, options: RequestOptions = {}) =>
  harness.json(`/skills${path}`, { auth: true, ...options });
const valid = { name: "deploy", description: "How", content: "# Deploy\n", publishedBy: "ada" };
const publish = async (more: object = {}, path = "/items") =>
  (await ask(path, { body: { ...valid, ...more } })).data;
const patch = (path: string, body: object) => ask(path, { method: "PATCH", body });
const remove = (path: string) => ask(path, { method: "DELETE" });
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const refusal = (status: number, error: string, code: string) => ({ status, data: { error, code } });
const heard = (): object[] => {
  const told: object[] = [];
  harness.events.on("skills:changed", ({ change }) => told.push(change));
  return told;
};
const actions = (changes: object[]) =>
  changes.map((change) => Object.entries(change).find(([key]) => key === "action")?.[1]);

describe.each([
  ["skill", "/items", "skills"],
  ["extension", "/extensions", "extensions"],
] as const)("a %s (spec §7)", (type, path, key) => {
  const tags = type === "skill" ? { tags: ["ops", "web"] } : {};

  test("is answered with 201, its keys in order, as lists and single reads show it", async () => {
    const response = await harness.fetch(`/skills${path}`, {
      auth: true,
      body: { ...valid, ...tags, name: " deploy ", publishedBy: " ada ", content: " é\n", unknown: 1 },
    });
    const text = await response.text();
    const item = JSON.parse(text);
    expect(response.status).toBe(201);
    expect(item).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      name: "deploy",
      version: 1,
      description: "How",
      content: " é\n",
      publishedBy: "ada",
      publishedAt: item.updatedAt,
      updatedAt: new Date(item.updatedAt).toISOString(),
      ...tags,
      enabled: true,
      hash: sha256(" é\n"),
    });
    expect(Object.keys(item).filter((one) => one !== "tags")).toEqual([
      ...["id", "name", "version", "description", "content", "publishedBy", "publishedAt", "updatedAt"],
      ...["enabled", "hash"],
    ]);
    expect(await (await harness.fetch(`/skills${path}/deploy`, { auth: true })).text()).toBe(text);
    expect((await ask(path)).data).toEqual({ [key]: [item], count: 1, cursor: null });
  });

  test("gets a version with each change, keeps its id, and stays what it is when nothing changes", async () => {
    const told = heard();
    const first = await publish(tags, path);
    expect(await publish(tags, path)).toEqual(first);
    expect(await publish({ publishedBy: "bob" }, path)).toEqual(first);
    const second = await publish({ content: "2", publishedBy: "bob" }, path);
    expect(second).toMatchObject({
      ...tags,
      ...{ id: first.id, version: 2, publishedAt: first.publishedAt, publishedBy: "bob", hash: sha256("2") },
    });
    expect((await publish({ content: "2", description: "Other" }, path)).version).toBe(3);
    expect(actions(told)).toEqual(["publish", "update", "update"]);
    expect((await ask(`${path}/deploy?version=1`)).data).toEqual({ ...first, updatedAt: first.updatedAt });
    expect((await ask(`${path}/deploy?version=2`)).data.description).toBe("How");
    expect(await ask(`${path}/deploy?version=4`)).toMatchObject(
      refusal(404, `${type} not found`, "not_found"),
    );
    const { data } = await ask(`${path}/deploy/versions`);
    expect(data).toMatchObject({ count: 3, versions: [{ version: 3 }, { version: 2 }, { version: 1 }] });
    expect(data.versions[2]).toEqual({
      ...{ version: 1, hash: first.hash, publishedBy: "ada", publishedAt: first.publishedAt },
      ...{ bytes: 9, incarnation: 1 },
    });
  });

  test("is enabled and disabled, by PATCH and with a version, and the change comes after the update", async () => {
    const told = heard();
    const first = await publish({}, path);
    expect((await patch(`${path}/deploy`, { enabled: false })).data).toMatchObject({
      version: 1,
      enabled: false,
    });
    expect((await patch(`${path}/deploy`, { enabled: false, description: " " })).status).toBe(200);
    expect((await patch(`${path}/deploy`, {})).data).toMatchObject({ description: "How", version: 1 });
    expect((await publish({ content: "2" }, path)).enabled).toBe(false);
    expect((await publish({ content: "3", enabled: true }, path)).enabled).toBe(true);
    expect(actions(told)).toEqual(["publish", "disable", "update", "update", "enable"]);
    expect(told[1]).toEqual({
      id: expect.any(String),
      ...{ type, name: "deploy", version: 1, action: "disable", timestamp: expect.any(String) },
    });
    expect((await patch(`${path}/deploy`, { description: "Said" })).data).toMatchObject({
      ...{ id: first.id, description: "Said", version: 3 },
    });
    expect(told).toHaveLength(5);
  });

  test("is gone once it is removed, and begins anew under its name", async () => {
    const told = heard();
    const first = await publish({}, path);
    await publish({ content: "2" }, path);
    expect(await remove(`${path}/deploy`)).toMatchObject({ status: 200, data: { deleted: true } });
    const missing = refusal(404, `${type} not found`, "not_found");
    for (const gone of [ask(`${path}/deploy`), remove(`${path}/deploy`), ask(`${path}/deploy/versions`)])
      expect(await gone).toMatchObject(missing);
    expect(await patch(`${path}/deploy`, {})).toMatchObject(missing);
    expect((await ask(path)).data[key]).toEqual([]);
    expect((await ask("/manifest")).data[key]).toEqual([]);
    const again = await publish({}, path);
    expect(again).toMatchObject({ version: 1, hash: first.hash });
    expect(again.id > first.id).toBe(true);
    const versions = async (query: string) =>
      (await ask(`${path}/deploy/versions${query}`)).data.versions.map(
        (one: { incarnation: number; version: number }) => [one.incarnation, one.version],
      );
    expect(await versions("")).toEqual([[2, 1]]);
    await remove(`${path}/deploy`);
    expect(await versions("?deleted=true")).toEqual([
      [2, 1],
      [1, 2],
      [1, 1],
    ]);
    expect(actions(told)).toEqual(["publish", "update", "remove", "publish", "remove"]);
  });

  test.each(["none", "__proto__", "..%2f..%2fetc", "%00", "x".repeat(300)])(
    "%s is not found",
    async (name) => {
      expect(await ask(`${path}/${name}`)).toMatchObject(refusal(404, `${type} not found`, "not_found"));
    },
  );

  test("is listed by name and leafed through", async () => {
    for (const name of ["c", "a", "B", "d"]) await publish({ name, enabled: name !== "d" }, path);
    const names = async (query: string) => {
      const { data } = await ask(`${path}${query}`);
      return [data[key].map(({ name }: { name: string }) => name).join(""), data.cursor] as const;
    };
    const [first, cursor] = await names("?limit=3");
    expect([first, await names(`?cursor=${cursor}`)]).toEqual(["Bac", ["d", null]]);
    expect(await names("?enabled=true")).toEqual(["Bac", null]);
    expect(await names("?enabled=false")).toEqual(["d", null]);
    expect((await ask(`${path}?total=true&limit=1`)).data.total).toBe(4);
    expect(await ask(`${path}?enabled=maybe`)).toMatchObject(
      refusal(400, "invalid enabled: maybe", "bad_request"),
    );
    expect(await ask(`${path}/a?version=0`)).toMatchObject(refusal(400, "invalid version: 0", "bad_request"));
  });

  test.each([
    ["", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    ["{", "Invalid JSON body"],
    [{}, "name is required"],
    [{ ...valid, name: " ", description: 5 }, "name is required"],
    [{ ...valid, name: 5 }, "name must be a string"],
    [{ ...valid, description: undefined }, "description is required"],
    [{ ...valid, content: "\n" }, "content is required"],
    [{ ...valid, content: {} }, "content must be a string"],
    [{ ...valid, publishedBy: null }, "publishedBy is required"],
    [{ ...valid, enabled: "true" }, "enabled must be true or false"],
    ...["..", ".a", "_hub", "a/b", "a\\b", "a b", "../x", "a..b", "-x", "é", `x${"y".repeat(64)}`].map(
      (name) => [{ ...valid, name, description: 5 }, `invalid name: ${name}`] as const,
    ),
    [{ ...valid, name: "x".repeat(201) }, "name is longer than 200 characters"],
    [{ ...valid, description: "x".repeat(65_537) }, "description is longer than 65536 characters"],
    [{ ...valid, content: "x".repeat(1_000_001) }, "content is longer than 1000000 characters"],
    [{ ...valid, publishedBy: "x".repeat(201) }, "publishedBy is longer than 200 characters"],
  ])("is refused: %.60j", async (body, error) => {
    expect(await ask(path, { method: "POST", body })).toMatchObject(refusal(400, error, "bad_request"));
    expect((await ask(path)).data.count).toBe(0);
  });

  test("may be as long as its limits", async () => {
    const largest = {
      name: `x${"y".repeat(63)}`,
      description: "d".repeat(65_536),
      content: "日".repeat(1_000_000),
      publishedBy: "p".repeat(200),
    };
    expect(await publish(largest, path)).toMatchObject(largest);
    const answer = await ask(path, { body: { ...valid, content: "x".repeat(4 * 1_048_576) } });
    expect(answer).toMatchObject({ status: 413, data: { error: "body too large", limit: 4_194_304 } });
  });
});

describe("tags of skills (spec §7)", () => {
  test("filter the list, and stay unless they are sent", async () => {
    await publish({ name: "a", tags: ["x", "y", "x"] });
    await publish({ name: "b", tags: ["y"], enabled: false });
    const names = async (query: string) =>
      (await ask(`/items?${query}`)).data.skills.map(({ name }: { name: string }) => name).join("");
    expect([await names("tag=y"), await names("tag=x"), await names("tag=none")]).toEqual(["ab", "a", ""]);
    expect(await names("tag=y&enabled=true")).toBe("a");
    expect((await publish({ name: "a", content: "2" })).tags).toEqual(["x", "y", "x"]);
    expect((await publish({ name: "a", content: "2", tags: [] })).tags).toEqual([]);
    expect((await patch("/items/a", { tags: ["z"] })).data.tags).toEqual(["z"]);
    expect([await names("tag=x"), await names("tag=z")]).toEqual(["", "a"]);
    await remove("/items/a");
    expect(await names("tag=z")).toBe("");
  });

  test("are strings, not too many and not too long", async () => {
    for (const [tags, error] of [
      ["x", "tags must be an array"],
      [[1], "tags must contain only strings"],
      [Array(51).fill("x"), "tags has more than 50 items"],
      [["x".repeat(101)], "tags is longer than 100 characters"],
    ] as const) {
      const refused = refusal(400, error, "bad_request");
      expect(await ask("/items", { body: { ...valid, tags } })).toMatchObject(refused);
    }
    expect((await publish({ tags: Array(50).fill("x".repeat(100)) })).tags).toHaveLength(50);
  });
});

test("only operators write extensions, and tasks may write skills (spec §7)", async () => {
  await publish({}, "/extensions");
  const as = { kind: "task", agentName: "ada", scopes: ["modules"] } as const;
  const body = JSON.stringify(valid);
  const write = (method: string, path: string, scopes: string[] = [...as.scopes]) =>
    harness.ctx.fetch(`/skills${path}`, { method, body, as: { ...as, scopes } });
  for (const [method, path] of [
    ["POST", "/extensions"],
    ["PATCH", "/extensions/deploy"],
    ["DELETE", "/extensions/deploy"],
    ["DELETE", "/extensions/none"],
  ] as const) {
    const answer = await write(method, path);
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error: 'Forbidden — scope "admin" is required', code: "forbidden" },
    ]);
  }
  expect((await ask("/extensions")).data.count).toBe(1);
  expect((await write("POST", "/items")).status).toBe(201);
  expect((await write("DELETE", "/extensions/deploy", ["modules", "admin"])).status).toBe(200);
});

test("the manifest has what is enabled, by name, with hashes and a revision that changes (spec §7)", async () => {
  const empty = { skills: [], extensions: [], revision: "", hashes: { skills: {}, extensions: {} } };
  expect((await ask("/manifest")).data).toEqual(empty);
  await publish({ name: "b" });
  await publish({ name: "constructor", content: "2" });
  await publish({ name: "a", enabled: false });
  await publish({ name: "e" }, "/extensions");
  const { data } = await ask("/manifest");
  expect(data).toEqual({
    skills: [
      { name: "b", version: 1 },
      { name: "constructor", version: 1 },
    ],
    extensions: [{ name: "e", version: 1 }],
    revision: expect.stringMatching(/^[0-9A-Z]{26}$/),
    hashes: {
      skills: { b: sha256(valid.content), constructor: sha256("2") },
      extensions: { e: sha256(valid.content) },
    },
  });
  await remove("/items/b");
  expect((await ask("/manifest")).data.revision > data.revision).toBe(true);
});

describe("POST /skills/sync (spec §7)", () => {
  const sync = async (report: object) => (await ask("/sync", { body: { agentId: "ada", ...report } })).data;

  test("says what to install, to update and to remove, by type and name", async () => {
    for (const name of ["new", "old", "same", "newer", "off"]) await publish({ name });
    await publish({ name: "old", content: "2" });
    await patch("/items/off", { enabled: false });
    await publish({ name: "ext" }, "/extensions");
    const skills = ["same", "old", "newer", "off", "gone"].map((name) => ({ name, version: 1 }));
    skills[2] = { name: "newer", version: 7 };
    const { updates } = await sync({ skills, extensions: [{ name: "gone", version: 3 }] });
    expect(updates).toEqual([
      { type: "skill", name: "new", version: 1, action: "install" },
      { type: "skill", name: "old", version: 2, action: "update" },
      { type: "skill", name: "off", version: 1, action: "remove" },
      { type: "skill", name: "gone", version: 1, action: "remove" },
      { type: "extension", name: "ext", version: 1, action: "install" },
      { type: "extension", name: "gone", version: 3, action: "remove" },
    ]);
  });

  test("compares hashes that are reported, and then tells its own", async () => {
    for (const name of ["a", "b", "c"]) await publish({ name });
    const hash = sha256(valid.content);
    const { updates } = await sync({
      skills: [
        { name: "a", version: 1, hash },
        { name: "b", version: 1, hash: "sha256:00" },
        { name: "x", version: 1, hash },
      ],
    });
    expect(updates).toEqual([
      { type: "skill", name: "b", version: 1, action: "update", hash },
      { type: "skill", name: "c", version: 1, action: "install", hash },
      { type: "skill", name: "x", version: 1, action: "remove" },
    ]);
  });

  test("keeps what was reported as what the agent has, in the place of what it reported before", async () => {
    await sync({ vmId: " vm-1 ", skills: [{ name: "a", version: 1, hash: "h" }] });
    await ask("/sync", { body: { agentId: "bob" } });
    await sync({ skills: [{ name: "b", version: 2, more: 1 }], extensions: [{ name: "e", version: 3 }] });
    const { data } = await ask("/agents/ada");
    expect(data).toEqual({
      agentId: "ada",
      skills: [{ name: "b", version: 2 }],
      extensions: [{ name: "e", version: 3 }],
      lastSync: new Date(data.lastSync).toISOString(),
    });
    const { data: list } = await ask("/agents");
    expect([Object.keys(list), list.count]).toEqual([["agents", "count"], 2]);
    expect(list.agents[0].lastSync >= list.agents[1].lastSync).toBe(true);
    expect(await ask("/agents/none")).toMatchObject(refusal(404, "agent not found", "not_found"));
    const page = await ask("/agents?limit=1");
    const next = await ask(`/agents?cursor=${page.headers.get("x-next-cursor")}`);
    expect([...page.data.agents, ...next.data.agents]).toEqual(list.agents);
    expect(next.headers.has("x-next-cursor")).toBe(false);
  });

  test.each([
    ["", "Invalid JSON body"],
    [{ agentId: " ", skills: 5 }, "agentId is required"],
    [{ agentId: 5 }, "agentId must be a string"],
    [{ agentId: "a", vmId: 5 }, "vmId must be a string"],
    [{ agentId: "a", skills: {} }, "skills must be an array"],
    [{ agentId: "a", skills: ["x"] }, "skills must contain only objects"],
    [{ agentId: "a", skills: [{ version: 1 }] }, "skills[0].name is required"],
    [{ agentId: "a", skills: [{ name: "x" }] }, "skills[0].version is required"],
    [{ agentId: "a", skills: [{ name: "x", version: "1" }] }, "skills[0].version must be a number"],
    [
      { agentId: "a", extensions: [{ name: "x", version: 1, hash: 1 }] },
      "extensions[0].hash must be a string",
    ],
    [
      { agentId: "a", skills: Array(1_001).fill({ name: "x", version: 1 }) },
      "skills has more than 1000 items",
    ],
  ])("refuses %.60j and keeps nothing", async (body, error) => {
    const answer = await ask("/sync", { method: "POST", body });
    expect(answer).toMatchObject(refusal(400, error, "bad_request"));
    expect((await ask("/agents")).data).toEqual({ agents: [], count: 0 });
  });
});

test("what changes is told to the tree in one line, and what agents report is not (spec §1.8, §7)", async () => {
  const told: object[] = [];
  harness.events.on("reef:event", (event) => told.push(event));
  const { id } = await publish({ publishedBy: "a\nda" });
  await publish({ content: "2" });
  await patch("/items/deploy", { enabled: false });
  await patch("/items/deploy", { enabled: true });
  await remove("/items/deploy");
  await ask("/sync", { body: { agentId: "a" } });
  const rest = { source: "skills", itemId: id };
  expect(told).toEqual([
    { type: "skills_published", content: "a da published skill deploy, version 1", ...rest },
    { type: "skills_published", content: "ada published skill deploy, version 2", ...rest },
    { type: "skills_toggled", content: "skill deploy was disabled", ...rest },
    { type: "skills_toggled", content: "skill deploy was enabled", ...rest },
    { type: "skills_removed", content: "skill deploy was removed", ...rest },
  ]);
});

test("the widget counts skills and extensions (spec §7)", async () => {
  await publish();
  await publish({}, "/extensions");
  await publish({ name: "two" }, "/extensions");
  const lines = await harness.ctx.getModule("skills")?.widget?.getLines({} as never);
  expect(lines).toEqual(["Skills: 1 skills, 2 extensions"]);
});
