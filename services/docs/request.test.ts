// From a form's inputs to the request that they mean.
import { describe, expect, test } from "bun:test";
import { bodySample, curlOf, targetOf } from "./request.client.js";

const target = (path: string, ...values: string[]) => targetOf(path, { path: values, query: [] });

describe("the target", () => {
  test.each([
    ["/store/", [], "/store/"],
    ["/store/:key", ["a/b c?#%é"], "/store/a%2Fb%20c%3F%23%25%C3%A9"],
    ["/x/:id{[0-9]+}/y", ["7"], "/x/7/y"],
    ["/store/*", ["a b/c/../d"], "/store/a%20b/c/../d"],
    ["/x/:a?/:b?", ["1", "2"], "/x/1/2"],
    ["/x/:a?/:b?", ["1", ""], "/x/1"],
    ["/x/:a?/:b?", ["", ""], "/x"],
    ["/:a?", [""], "/"],
    ["/é/a b", [], "/%C3%A9/a%20b"],
  ])("of %s with %j is %s", (path, values, expected) => {
    expect(target(path, ...values)).toBe(expected);
  });

  test("leaves blank values of the query out", () => {
    const query = [
      ["a", "1 &2"],
      ["b", ""],
      ["c", "é"],
    ] as const;
    expect(targetOf("/x", { path: [], query })).toBe("/x?a=1+%262&c=%C3%A9");
  });

  test("takes a query as it is written where none is documented", () => {
    expect(targetOf("/x", { path: [], query: [], rawQuery: " ?a=1&b=2 " })).toBe("/x?a=1&b=2");
    expect(targetOf("/x", { path: [], query: [], rawQuery: "" })).toBe("/x");
  });

  test("is none while a value is missing, or would be a step in the path", () => {
    expect(() => target("/x/:id", "")).toThrow("id is required.");
    for (const step of [".", ".."])
      expect(() => target("/x/:id", step)).toThrow(`id cannot be "${step}" in a path.`);
  });
});

test("a body begins as an empty value for each required field", () => {
  const field = (name: string, type: string, required = true) => ({ name, type, required });
  const fields = [
    field("a", "string"),
    field("b", "integer"),
    field("c", "T[]"),
    field("d", "any JSON"),
    field("e", "object"),
    field("f", "string", false),
  ];
  expect(JSON.parse(bodySample(fields))).toEqual({ a: "", b: 0, c: [], d: null, e: {} });
  expect(bodySample([field("a", "string", false)])).toBe("{}");
});

describe("the line for a shell", () => {
  test("does in a shell what it says, whatever the values hold", async () => {
    const url = "http://h/it's?a=$(id)`id`\"";
    const line = curlOf({ method: "PUT", url, body: '{"a":"it\'s $HOME"}', needsToken: true });
    const shown = Bun.spawnSync(["sh", "-c", line.replace(/^curl/, "printf '%s\\n'")], {
      env: { VERS_AUTH_TOKEN: "t" },
    });
    expect(shown.stdout.toString().split("\n")).toEqual([
      "-X",
      "PUT",
      url,
      "-H",
      "Authorization: Bearer t",
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"a":"it\'s $HOME"}',
      "",
    ]);
  });

  test("is short for a plain GET", () => {
    expect(curlOf({ method: "GET", url: "http://h/x", needsToken: false })).toBe("curl \\\n  'http://h/x'");
  });
});
