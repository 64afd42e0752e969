// What services share: bodies against a schema, paging, panels.
import { describe, expect, test } from "bun:test";
import { type TObject, Type } from "@sinclair/typebox";
import { Hono } from "hono";
import { ReefError } from "../../src/core/errors.js";
import { page, panel, readBody } from "../../src/core/http.js";

const Task = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 10 }),
  count: Type.Optional(Type.Integer({ minimum: 0, maximum: 9 })),
  ratio: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  done: Type.Optional(Type.Boolean()),
  note: Type.Optional(Type.String()),
  free: Type.Optional(Type.Unknown()),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: 2 })),
  meta: Type.Optional(Type.Object({ by: Type.String() })),
  status: Type.Optional(Type.Union([Type.Literal("open"), Type.Literal("closed")])),
  due: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  own: Type.Optional(Type.Array(Type.String(), { errorMessage: "own array required" })),
});

async function read(text: string, schema: TObject = Task): Promise<unknown> {
  const app = new Hono().post("/", async (c) => c.json(await readBody(c, schema)));
  app.onError((error, c) => {
    if (!(error instanceof ReefError)) throw error;
    return c.json([error.code, error.message]);
  });
  return (await app.request("/", { method: "POST", body: text })).json();
}

describe("readBody (spec §2.6)", () => {
  test.each(["", "{nope", "null", "[]", '"text"', "5", "[".repeat(100_000)])(
    "%.20s is no JSON object",
    async (text) => {
      expect(await read(text)).toEqual(["bad_request", "Invalid JSON body"]);
    },
  );

  test.each([
    ["{}", "title is required"],
    ['{"title":null}', "title is required"],
    ['{"title":"  "}', "title is required"],
    ['{"title":5}', "title must be a string. Received: 5"],
    ['{"title":{"a":1}}', 'title must be a string. Received: {"a":1}'],
    ['{"title":"12345678901"}', "title is longer than 10 characters"],
    ['{"title":"t","count":1.5}', "count must be an integer from 0 to 9. Received: 1.5"],
    ['{"title":"t","count":"1"}', 'count must be an integer from 0 to 9. Received: "1"'],
    ['{"title":"t","count":10}', "count must be an integer from 0 to 9. Received: 10"],
    ['{"title":"t","ratio":0}', "ratio must be a number above 0. Received: 0"],
    ['{"title":"t","done":"yes"}', 'done must be true or false. Received: "yes"'],
    ['{"title":"t","tags":"a"}', 'tags must be an array. Received: "a"'],
    ['{"title":"t","tags":["a",2]}', "tags[1] must be a string. Received: 2"],
    ['{"title":"t","tags":["a","b","c"]}', "tags has more than 2 items"],
    ['{"title":"t","meta":[]}', "meta must be an object. Received: []"],
    ['{"title":"t","meta":{}}', "meta.by is required"],
    ['{"title":"t","status":"new"}', 'status must be one of "open", "closed". Received: "new"'],
    ['{"title":"t","due":5}', "due must be a string or null. Received: 5"],
    ['{"title":"t","own":"x"}', "own array required"],
    [
      `{"title":${JSON.stringify(["y".repeat(200)])}}`,
      `title must be a string. Received: ["${"y".repeat(78)}…`,
    ],
    ['{"count":"x"}', "title is required"],
    ['{"title":"t","done":1,"count":"x"}', 'count must be an integer from 0 to 9. Received: "x"'],
  ])("%.40s: %s", async (text, message) => expect(await read(text)).toEqual(["bad_request", message]));

  test("unknown fields are dropped; null and blank optional ones count as absent unless the schema takes them", async () => {
    const text =
      '{"title":" t ","count":null,"note":" ","due":null,"free":null,"other":1,"__proto__":{"x":1}}';
    expect(await read(text)).toEqual({ title: " t ", note: " ", due: null, free: null });
  });

  test("without required fields an empty body is an empty object", async () => {
    expect(await read("", Type.Object({ reason: Type.Optional(Type.String()) }))).toEqual({});
  });
});

describe("page (spec §2.7)", () => {
  async function ask(query: string, list = "tasks"): Promise<unknown> {
    const app = new Hono().get("/", (c) => {
      const { limit, after, cursor } = page(c, { list, limit: 50, limitMax: 100, position: Type.Integer() });
      return c.json({ limit, after, next: cursor(7) });
    });
    app.onError((error, c) => c.text(error.message));
    const answer = await app.request(`/${query}`);
    return answer.headers.get("content-type") === "application/json" ? answer.json() : answer.text();
  }

  test("a limit above the maximum is the maximum, anything but a positive integer is refused", async () => {
    expect(await ask("")).toMatchObject({ limit: 50 });
    expect(await ask("?limit=7")).toMatchObject({ limit: 7 });
    expect(await ask("?limit=5000")).toMatchObject({ limit: 100 });
    expect(await ask(`?limit=${"9".repeat(400)}`)).toMatchObject({ limit: 100 });
    for (const bad of ["0", "-1", "1.5", "x", "", "1e3"])
      expect(await ask(`?limit=${bad}`)).toBe(`invalid limit: ${bad}`);
  });

  test("a cursor leads on from its position, and a foreign one is refused", async () => {
    const { next } = (await ask("")) as { next: string };
    expect(await ask(`?cursor=${next}`)).toMatchObject({ after: 7 });
    expect(await ask(`?cursor=${next}`, "nodes")).toBe("invalid cursor");
    const forged = Buffer.from('["tasks","7"]').toString("base64url");
    for (const bad of ["", "x", "%00", forged, Buffer.from("7").toString("base64url")]) {
      expect(await ask(`?cursor=${bad}`)).toBe("invalid cursor");
    }
  });
});

test("a panel scopes its style and closes nothing early (spec §5.7)", () => {
  const html = panel({
    name: "board",
    style: ".a { color: red }",
    html: "<p>hi</p>",
    script: 'root.title = "</script>";',
  });
  expect(html).toContain(".panel-board { .a { color: red } }");
  expect(html).toContain('<div class="panel-board"><p>hi</p></div>');
  expect(html.match(/<\/script>/g)).toHaveLength(1);
  expect(html).toContain('root.title = "<\\/script>"');
});
