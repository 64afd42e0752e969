// Reports over HTTP, in process and with a file of their own in each test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import reports from "./index.js";
import type { Report } from "./report.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [reports] });
});
afterEach(() => harness.cleanup());

const ask = (path = "", options: RequestOptions = {}) =>
  harness.json(`/reports${path}`, { auth: true, ...options });
const VALID = { title: "Why", author: "ada", content: "# Findings\n" };
const create = async (more: Partial<Report> = {}): Promise<Report> =>
  (await ask("", { body: { ...VALID, ...more } })).data;
const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(`/${id}`, { method: "PATCH", body, headers });
const listen = (): unknown[] => {
  const told: unknown[] = [];
  for (const what of ["created", "updated", "deleted"])
    harness.events.on(`reports:${what}`, (event) => told.push([what, event]));
  harness.events.on("reef:event", (event) => told.push(event));
  return told;
};

describe("POST /reports (spec §8)", () => {
  test("answers 201 with the report, its keys in order, and reads show the same", async () => {
    const sent = {
      title: " Why \n",
      author: " Ada ",
      content: " # a\0\n",
      tags: [" x", "y", " x"],
      other: 1,
    };
    const { status, data, headers } = await ask("", { body: sent });
    expect(status).toBe(201);
    expect(Object.keys(data)).toEqual(["id", "title", "author", "content", "tags", "createdAt", "updatedAt"]);
    expect(data).toMatchObject({ title: "Why", author: "Ada", content: " # a\0\n", tags: [" x", "y", " x"] });
    expect(data.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(data.updatedAt).toBe(data.createdAt);
    expect(headers.get("etag")).toBe(`"${data.updatedAt}"`);
    const read = await ask(`/${data.id.toLowerCase()}`);
    expect([read.data, read.headers.get("etag")]).toEqual([data, headers.get("etag")]);
  });

  test.each([
    ["", "Invalid JSON body"],
    ["null", "Invalid JSON body"],
    [{}, "title is required"],
    [{ ...VALID, title: " " }, "title is required"],
    [{ ...VALID, title: 5, author: 5 }, "title must be a string"],
    [{ ...VALID, author: null }, "author is required"],
    [{ ...VALID, author: [] }, "author must be a string"],
    [{ ...VALID, content: " \n" }, "content is required"],
    [{ ...VALID, content: {} }, "content must be a string"],
    [{ ...VALID, tags: "x" }, "tags must be an array"],
    [{ ...VALID, tags: ["x", 5] }, "tags must contain only strings"],
    [{ ...VALID, title: "x".repeat(501) }, "title is longer than 500 characters"],
    [{ ...VALID, author: "x".repeat(201) }, "author is longer than 200 characters"],
    [{ ...VALID, content: "x".repeat(2_000_001) }, "content is longer than 2000000 characters"],
    [{ ...VALID, tags: Array.from({ length: 51 }, (_, n) => `${n}`) }, "tags has more than 50 items"],
    [{ ...VALID, tags: ["x".repeat(101)] }, "tags is longer than 100 characters"],
  ])("refuses %.50j", async (body, error) => {
    expect(await ask("", { method: "POST", body })).toMatchObject({
      status: 400,
      data: { error, code: "bad_request" },
    });
    expect((await ask()).data.count).toBe(0);
  });

  test("takes a report as long as its limits, and refuses a body over 4 MiB (spec §1.3)", async () => {
    const largest = {
      title: "x".repeat(500),
      content: "é".repeat(2_000_000),
      tags: Array(50).fill("x".repeat(100)),
    };
    const { id } = await create(largest);
    expect((await ask(`/${id}`)).data).toMatchObject(largest);
    const answer = await ask("", { body: { ...VALID, content: "x".repeat(4 * 1_048_576) } });
    expect(answer).toMatchObject({ status: 413, data: { error: "body too large", limit: 4 * 1_048_576 } });
  });
});

describe("GET /reports (spec §8)", () => {
  test("lists newest first, without content, by author and tag, in pages", async () => {
    await create({ title: "1", tags: ["a", "b"] });
    await create({ title: "2", author: "bob", tags: ["a"] });
    await create({ title: "3", tags: ["b", "b"] });
    const shown = async (query: string) =>
      (await ask(`?${query}`)).data.reports.map(({ title }: Report) => title).join("");
    expect(await shown("")).toBe("321");
    expect(await shown("author=ada")).toBe("31");
    expect(await shown("tag=b")).toBe("31");
    expect(await shown("tag=a&author=ada")).toBe("1");
    expect(await shown("tag=B")).toBe("");
    const { data } = await ask("?limit=2&total=true");
    expect(data).toMatchObject({ count: 2, total: 3 });
    expect(Object.keys(data.reports[0])).toEqual(["id", "title", "author", "tags", "createdAt", "updatedAt"]);
    expect((await ask(`?cursor=${data.cursor}`)).data).toMatchObject({
      reports: [{ title: "1" }],
      cursor: null,
    });
  });

  test.each([
    ["limit=0", "invalid limit: 0"],
    ["total=1", "invalid total: 1"],
    ["cursor=x", "invalid cursor"],
  ])("refuses ?%s", async (query, error) => {
    expect(await ask(`?${query}`)).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
  });
});

describe("PATCH /reports/:id (spec §8)", () => {
  test("changes what was sent, and moves updatedAt and the ETag", async () => {
    const report = await create({ tags: ["a"] });
    const told = listen();
    const { status, data, headers } = await patch(report.id, { title: " New ", author: "eve", id: "x" });
    expect([status, headers.get("etag")]).toEqual([200, `"${data.updatedAt}"`]);
    expect(data).toEqual({ ...report, title: "New", updatedAt: data.updatedAt });
    expect(data.updatedAt > report.updatedAt).toBe(true);
    expect(told).toEqual([
      ["updated", { report: data, changes: { title: "New" } }],
      { type: "reports_updated", source: "reports", content: "ada: New", reportId: report.id },
    ]);
    const retagged = (await patch(report.id, { tags: ["b"], content: " c " })).data;
    expect(retagged).toMatchObject({ tags: ["b"], content: " c ", title: "New" });
    expect(retagged.updatedAt > data.updatedAt).toBe(true);
    expect([(await ask("?tag=a")).data.count, (await ask("?tag=b")).data.count]).toEqual([0, 1]);
    expect((await patch(report.id, { tags: null })).data.tags).toEqual([]);
    expect((await ask("?tag=b")).data.count).toBe(0);
  });

  test("that changes nothing changes nothing", async () => {
    const report = await create({ tags: ["a"] });
    const told = listen();
    for (const body of ["", {}, { title: "Why" }, { content: report.content, tags: ["a"] }]) {
      const { status, data } = await patch(report.id, body);
      expect([status, data]).toEqual([200, report]);
    }
    expect(told).toEqual([]);
  });

  test.each([
    [{ title: "" }, "title cannot be empty"],
    [{ title: null }, "title cannot be empty"],
    [{ content: " " }, "content cannot be empty"],
    [{ title: "New", content: 5 }, "content must be a string"],
    [{ title: "New", tags: "x" }, "tags must be an array"],
    [{ title: "New", ifUpdatedAt: "x" }, "ifUpdatedAt must be a time"],
    ["[]", "Invalid JSON body"],
  ])("refuses %j and leaves the report as it was (spec §17.3)", async (body, error) => {
    const report = await create();
    expect(await patch(report.id, body)).toMatchObject({ status: 400, data: { error } });
    expect((await ask(`/${report.id}`)).data).toEqual(report);
  });

  test("with If-Match or ifUpdatedAt changes that state or nothing (spec §2)", async () => {
    const report = await create();
    const etag = `"${report.updatedAt}"`;
    const title = (n: number) => ({ title: `${n}` });
    const first = (await patch(report.id, title(1), { "If-Match": etag })).data;
    const late = await patch(report.id, title(2), { "If-Match": etag });
    expect(late).toMatchObject({
      status: 412,
      data: { error: "report changed since it was read", code: "precondition_failed", report: first },
    });
    expect((await patch(report.id, { ...title(2), ifUpdatedAt: report.updatedAt })).status).toBe(412);
    expect((await patch(report.id, { ...title(2), ifUpdatedAt: first.updatedAt })).status).toBe(200);
    expect((await patch(report.id, title(3), { "If-Match": "*" })).data.title).toBe("3");
    expect((await patch(report.id, title(3), { "If-Match": etag })).status).toBe(412);
  });

  test("at once by many with one If-Match is done for one", async () => {
    const report = await create();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        patch(report.id, { title: `${n}` }, { "If-Match": `"${report.updatedAt}"` }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
  });
});

describe("DELETE /reports/:id (spec §8)", () => {
  test("removes it, from lists too", async () => {
    const report = await create({ tags: ["a"] });
    const told = listen();
    expect(await ask(`/${report.id}`, { method: "DELETE" })).toMatchObject({
      status: 200,
      data: { deleted: true },
    });
    expect((await ask(`/${report.id}`)).status).toBe(404);
    expect([(await ask()).data.count, (await ask("?tag=a")).data.count]).toEqual([0, 0]);
    expect(told).toEqual([
      ["deleted", { reportId: report.id }],
      { type: "reports_deleted", source: "reports", content: "ada: Why", reportId: report.id },
    ]);
  });
});

test.each(["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "__proto__", "%00", "..%2f"])(
  "report %s is not found (spec §8)",
  async (id) => {
    const routes: [string, string][] = [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["GET", "/html"],
      ["POST", "/share"],
      ["GET", "/shares"],
    ];
    for (const [method, rest] of routes)
      expect(await ask(`/${id}${rest}`, { method })).toMatchObject({
        status: 404,
        data: { error: "report not found", code: "not_found" },
      });
  },
);

test("a new report is told on the bus and to the tree (spec §8)", async () => {
  const told = listen();
  const report = await create({ title: `a\nb ${"x".repeat(400)}` });
  expect(told).toEqual([
    ["created", { report }],
    {
      type: "reports_created",
      source: "reports",
      content: `ada: a b ${"x".repeat(290)}…`,
      reportId: report.id,
    },
  ]);
});

test("the page of a report is for those with a token, and has no address of its own (spec §8)", async () => {
  const { id } = await create({ title: "<b>", tags: ["t"] });
  expect((await ask(`/${id}/html`, { auth: false })).status).toBe(401);
  const { status, data, headers } = await ask(`/${id}/html`);
  expect([status, headers.get("content-type")?.toLowerCase()]).toEqual([200, "text/html; charset=utf-8"]);
  expect(data).toContain('<h1 dir="auto">&lt;b&gt;</h1>');
  expect(data).toContain('<h1 id="findings">Findings</h1>');
  expect(data).not.toMatch(/og:|twitter:/);
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
});
