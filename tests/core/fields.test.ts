// Fields of a body: what each takes, what it makes of it, and the exact words for what it refuses.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { ReefError } from "../../src/core/errors.js";
import {
  clearable,
  type Fields,
  flag,
  items,
  LIMITS,
  mapOf,
  number,
  object,
  oneOf,
  optional,
  readFields,
  shape,
  text,
  texts,
  tidyTexts,
  time,
  unlessEmpty,
  verbatim,
} from "../../src/core/http.js";

async function read(body: string | object, fields: Fields): Promise<unknown> {
  const app = new Hono().post("/", async (c) => c.json(await readFields(c, fields)));
  app.onError((error, c) => {
    if (!(error instanceof ReefError)) throw error;
    return c.json([error.code, error.message]);
  });
  const sent = typeof body === "string" ? body : JSON.stringify(body);
  return (await app.request("/", { method: "POST", body: sent })).json();
}

const refusedWith = (message: string) => ["bad_request", message];

describe("a body (spec §1.3)", () => {
  const title = { title: text(10) };

  test.each(["", " ", "{nope", "null", "[]", '"text"', "5", "[".repeat(100_000)])(
    "%.20s is no JSON object",
    async (body) => expect(await read(body, title)).toEqual(refusedWith("Invalid JSON body")),
  );

  test("may be empty where every field may be left out", async () => {
    expect(await read("", { title: optional(text(10), "none") })).toEqual({ title: "none" });
  });

  test("loses unknown fields, inherited names among them", async () => {
    const body = '{"title":"t","other":1,"__proto__":{"note":"n"}}';
    expect(await read(body, { ...title, note: optional(text(5)), toString: optional(text(5)) })).toEqual({
      title: "t",
    });
  });

  test("is checked in the order of its fields", async () => {
    const fields = { a: text(5), b: number(), c: texts(1, 1) };
    expect(await read({ c: "x", b: "x" }, fields)).toEqual(refusedWith("a is required"));
    expect(await read({ c: "x", b: "x", a: "a" }, fields)).toEqual(refusedWith("b must be a number"));
    expect(await read({ c: "x", b: 1, a: "a" }, fields)).toEqual(refusedWith("c must be an array"));
  });
});

describe("a required field (spec §1.3)", () => {
  const fields = {
    text: text(5),
    verbatim: verbatim(5),
    status: oneOf(["open", "done"], (sent) => `invalid status: ${sent}`),
    number: number(),
    flag: flag(),
    time: time(),
    texts: texts(2, 3),
    tidy: tidyTexts(2, 3),
    object: object(20),
    items: items({ url: text(5) }),
    shape: shape({ input: number() }),
    map: mapOf(number(), 2),
  };

  test.each(Object.keys(fields))("%s is required when it is missing, null or blank", async (name) => {
    const field = { [name]: fields[name as keyof typeof fields] };
    for (const body of [{}, { [name]: null }, { [name]: "" }, { [name]: " \n\t\u00a0" }]) {
      const missing = Object.keys(body).length === 0 ? "Invalid JSON body" : `${name} is required`;
      expect(await read({ unknown: 1, ...body }, field)).toEqual(refusedWith(`${name} is required`));
      expect(await read(Object.keys(body).length === 0 ? "" : body, field)).toEqual(refusedWith(missing));
    }
  });

  const wrong: [keyof typeof fields, unknown, string][] = [
    ["text", 5, "text must be a string"],
    ["text", ["a"], "text must be a string"],
    ["text", "123456", "text is longer than 5 characters"],
    ["verbatim", {}, "verbatim must be a string"],
    ["verbatim", " 1234 ", "verbatim is longer than 5 characters"],
    ["status", true, "status must be a string"],
    ["status", "Open", "invalid status: Open"],
    ["status", " open", "invalid status:  open"],
    ["status", "x".repeat(300), `invalid status: ${"x".repeat(200)}…`],
    ["number", "1", "number must be a number"],
    ["flag", "true", "flag must be true or false"],
    ["flag", 0, "flag must be true or false"],
    ["time", 5, "time must be a time"],
    ["time", "yesterday", "time must be a time"],
    ["texts", "a", "texts must be an array"],
    ["texts", { 0: "a", length: 1 }, "texts must be an array"],
    ["texts", ["a", 1], "texts must contain only strings"],
    ["texts", [null], "texts must contain only strings"],
    ["texts", ["a", "b", "c"], "texts has more than 2 items"],
    ["texts", ["abcd"], "texts is longer than 3 characters"],
    ["tidy", ["a", "b", "c"], "tidy has more than 2 items"],
    ["tidy", [["a"]], "tidy must contain only strings"],
    ["object", [], "object must be an object"],
    ["object", "{}", "object must be an object"],
    ["object", { a: "x".repeat(20) }, "object is longer than 20 bytes"],
    ["object", { a: "日".repeat(5) }, "object is longer than 20 bytes"],
    ["items", {}, "items must be an array"],
    ["items", [1], "items must contain only objects"],
    ["items", [{ url: "u" }, { url: 5 }], "items[1].url must be a string"],
    ["shape", [], "shape must be an object"],
    ["shape", {}, "shape.input is required"],
    ["map", [], "map must be an object"],
    ["map", { a: "x" }, "map.a must be a number"],
    ["map", { a: 1, b: 2, c: 3 }, "map has more than 2 items"],
    ["map", { ["k".repeat(201)]: 1 }, "a key of map is longer than 200 characters"],
  ];
  test.each(wrong)("%s refuses %j: %s", async (name, value, message) => {
    expect(await read({ [name]: value }, { [name]: fields[name] })).toEqual(refusedWith(message));
  });

  const right: [keyof typeof fields, unknown, unknown][] = [
    ["text", " abcde \n", "abcde"],
    ["text", "a\ud800", "a\ufffd"],
    ["text", "__proto__".slice(0, 5), "__pro"],
    ["verbatim", " abc ", " abc "],
    ["status", "done", "done"],
    ["number", -0.5, -0.5],
    ["flag", false, false],
    ["time", " 2026-01-02 ", Date.UTC(2026, 0, 2)],
    ["texts", [" a", " a"], [" a", " a"]],
    ["texts", [], []],
    ["tidy", [" a", "a ", " ", "b"], ["a", "b"]],
    ["object", { a: [null] }, { a: [null] }],
    ["items", [{ url: " u ", more: 1 }], [{ url: "u" }]],
    ["items", [], []],
    ["shape", { input: 1, more: 2 }, { input: 1 }],
    ["map", { toString: 1, __proto__x: 2 }, { toString: 1, __proto__x: 2 }],
  ];
  test.each(right)("%s takes %j as %j", async (name, value, meant) => {
    expect(await read({ [name]: value }, { [name]: fields[name] })).toEqual({ [name]: meant });
  });

  test("a tidy list of blanks is none", async () => {
    expect(await read({ tags: [" ", ""] }, { tags: tidyTexts(5, 5) })).toEqual({});
  });

  test("a key named __proto__ is a key like any other", async () => {
    const json = '{"__proto__":1}';
    expect(JSON.stringify(await read(`{"map":${json}}`, { map: mapOf(number()) }))).toBe(`{"map":${json}}`);
    expect(JSON.stringify(await read(`{"o":${json}}`, { o: object() }))).toBe(`{"o":${json}}`);
  });

  test("an object may be as deep as JSON can be written again", async () => {
    const deep = (levels: number) => `{"o":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
    expect(await read(deep(500), { o: object() })).toHaveProperty("o");
    for (const levels of [501, 10_000])
      expect(await read(deep(levels), { o: object() })).toEqual(
        refusedWith("o is nested deeper than 500 levels"),
      );
  });

  test.each([
    [LIMITS.nameCharsMax, 200],
    [LIMITS.titleCharsMax, 500],
    [LIMITS.textCharsMax, 65_536],
    [LIMITS.entryCharsMax, 262_144],
  ])("a text of %i characters fits its limit, one more does not", async (limit, chars) => {
    expect(limit).toBe(chars);
    expect(await read({ t: "x".repeat(chars) }, { t: text(limit) })).toEqual({ t: "x".repeat(chars) });
    expect(await read({ t: "x".repeat(chars + 1) }, { t: text(limit) })).toEqual(
      refusedWith(`t is longer than ${chars} characters`),
    );
  });
});

describe("a number", () => {
  const wrong: [Parameters<typeof number>[0], unknown, string][] = [
    [{ min: 10, max: 20 }, 9, "n must be a number from 10 to 20"],
    [{ min: 0 }, -1, "n must be a number of at least 0"],
    [{ max: 1 }, 1.5, "n must be a number of at most 1"],
    [{ min: 0, isInteger: true }, 0.5, "n must be a whole number of at least 0"],
    [{ message: "n is no good" }, "x", "n is no good"],
    [{ message: "n is no good", min: 0 }, -1, "n is no good"],
    [{ message: "n is no good" }, null, "n is no good"],
  ];
  test.each(wrong)("%j refuses %j", async (options, value, message) => {
    expect(await read({ n: value }, { n: number(options) })).toEqual(refusedWith(message));
  });

  test("that JSON cannot hold is none", async () => {
    expect(await read('{"n":1e999}', { n: number() })).toEqual(refusedWith("n must be a number"));
  });
});

describe("a field with a message of its own", () => {
  test("says it for what is missing, no string, or another choice, and not for what is too long", async () => {
    const agent = { agent: verbatim(5, "Missing or invalid 'agent' field") };
    for (const value of [undefined, null, " ", 5, []])
      expect(await read({ other: 1, agent: value }, agent)).toEqual(
        refusedWith("Missing or invalid 'agent' field"),
      );
    expect(await read({ agent: "123456" }, agent)).toEqual(refusedWith("agent is longer than 5 characters"));
    const type = { type: oneOf(["a", "b"], "Invalid 'type'. Must be one of: a, b") };
    for (const value of [undefined, 5, "c"])
      expect(await read({ other: 1, type: value }, type)).toEqual(
        refusedWith("Invalid 'type'. Must be one of: a, b"),
      );
  });

  test("a list of objects names its items, and a shape stands as a whole", async () => {
    const artifacts = {
      artifacts: items(
        { type: oneOf(["url"], (sent) => `invalid artifact type: ${sent}`), url: text(5) },
        { itemName: "artifact", message: "artifacts array is required and must not be empty", itemsMax: 2 },
      ),
    };
    for (const value of [undefined, null, [], "x", {}])
      expect(await read({ other: 1, artifacts: value }, artifacts)).toEqual(
        refusedWith("artifacts array is required and must not be empty"),
      );
    expect(await read({ artifacts: [{ type: "x" }] }, artifacts)).toEqual(
      refusedWith("invalid artifact type: x"),
    );
    expect(await read({ artifacts: [{ type: "url" }] }, artifacts)).toEqual(
      refusedWith("artifact url is required"),
    );
    const many = [1, 2, 3].map(() => ({ type: "url", url: "u" }));
    expect(await read({ artifacts: many }, artifacts)).toEqual(
      refusedWith("artifacts has more than 2 items"),
    );
    const tokens = { tokens: shape({ input: number({ min: 0 }) }, "tokens must include input as number") };
    for (const value of [undefined, 5, {}, { input: "1" }, { input: -1 }])
      expect(await read({ other: 1, tokens: value }, tokens)).toEqual(
        refusedWith("tokens must include input as number"),
      );
  });
});

describe("a field that may be left out", () => {
  test("is undefined or its fallback when it is missing, null or blank", async () => {
    for (const body of ['{"x":1}', '{"a":null}', '{"a":""}', '{"a":"  "}']) {
      expect(await read(body, { a: optional(text(5)) })).toEqual({});
      expect(await read(body, { a: optional(text(5), "f") })).toEqual({ a: "f" });
    }
    expect(await read({ a: 5 }, { a: optional(text(5)) })).toEqual(refusedWith("a must be a string"));
  });

  test("of a change is cleared by null or blank, and left alone when it was not sent", async () => {
    const fields = { a: clearable(text(5)), b: unlessEmpty(text(5), "b cannot be empty") };
    expect(await read("{}", fields)).toEqual({});
    expect(await read({ a: null }, fields)).toEqual({ a: null });
    expect(await read({ a: " " }, fields)).toEqual({ a: null });
    expect(await read({ a: " x", b: " y" }, fields)).toEqual({ a: "x", b: "y" });
    for (const b of [null, "", " "])
      expect(await read({ b }, fields)).toEqual(refusedWith("b cannot be empty"));
  });
});
