// Requests for the tests of the scaffold: services as nobody would ask for them, and ones whose lines are of every
// length around the limit of the formatter.
import type fastCheck from "fast-check";
import { METHODS } from "./route-list.js";

type FastCheck = typeof fastCheck;

const TEXTS = [
  "`",
  `\${process.exit(1)}`,
  "*/",
  "/*",
  "//",
  "</script><script>",
  "<img src=x onerror=alert(1)>",
  "'",
  '"',
  "'\"`",
  "\\",
  "\\u0041",
  "\u2028",
  "\u2029",
  "\r\n",
  "\0",
  "\u202e",
  "\ufeff",
  "\u00ad",
  "a\u0301",
  "日本語",
  "ä",
  "🚀",
  "$",
  "{",
  "%s",
  "```",
  "---",
  "# x",
  "1. x",
  "| a |",
  "biome-ignore lint: x",
  "@ts-ignore",
];
const FIELDS = [
  "id",
  "createdAt",
  "value",
  "body",
  "c",
  "path",
  "constructor",
  "__proto__",
  "toString",
  "a-b",
  "1",
];
const SEGMENTS = [
  "items",
  ":id",
  ":id",
  ":key",
  "a-b",
  "a.b",
  ":a-b",
  ":",
  "::",
  "a:b",
  "...",
  "",
  "x".repeat(60),
];
const TYPES = [
  "string",
  "number",
  "integer",
  "boolean",
  "object",
  "array",
  "string[]",
  "integer[]",
  "string[][]",
  "any",
];

/** Every one of them is accepted. */
export function hostileServices(fc: FastCheck) {
  const optional = <T>(value: fastCheck.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const part = fc.oneof(
    fc.constantFrom(...TEXTS),
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.lorem({ maxCount: 30 }),
  );
  const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
  const name = text.map((whole) => whole.slice(0, 200));
  const type = fc.oneof(
    fc.constantFrom(...TYPES),
    name.filter((word) => word.trim() !== ""),
  );
  const field = fc.record({ type, required: optional(fc.boolean()), description: optional(text) });
  const body = fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), name), field, { maxKeys: 4 });
  const segment = fc.oneof(fc.constantFrom(...SEGMENTS), fc.stringMatching(/^[A-Za-z0-9_:.-]{1,12}$/));
  const path = fc
    .array(segment, { maxLength: 3 })
    .map((segments) => `/${segments.join("/")}`)
    .filter((whole) => !/\/\.\.?(\/|$)/.test(whole));
  const method = fc.constantFrom(...METHODS);
  const route = fc.record({
    method,
    path,
    description: optional(text),
    body: optional(body),
    response: optional(text),
  });
  return fc.record({
    description: optional(text),
    routes: fc.uniqueArray(route, { maxLength: 6, selector: patternOf }),
    store: fc.constantFrom(undefined, false, true, "sqlite"),
    tools: optional(fc.boolean()),
    panel: optional(fc.boolean()),
    behaviors: optional(fc.boolean()),
    dependencies: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{10,40}$/), { maxLength: 4 }),
    requiresAuth: optional(fc.boolean()),
    capabilities: fc.array(name, { maxLength: 4 }),
    readme: optional(fc.boolean()),
  });
}

function patternOf({ method, path }: { method: string; path: string }): string {
  return `${method} ${path.replace(/(?<=\/):[^/]+/g, ":")}`;
}

const LENGTHS = Array.from({ length: 80 }, (_, index) => 36 + index);
/** All lengths in one service are more than its tests need to wait for. */
const SHARES = 4;

/** `turn` decides which lengths, types and parts the service has. */
export function wideService(turn: number): object {
  const lengths = LENGTHS.filter((length) => length % SHARES === turn % SHARES);
  const type = (n: number) => TYPES[(turn + n) % TYPES.length];
  return {
    description: "d".repeat(60 + turn * 7),
    store: [undefined, true, "sqlite"][turn % 3],
    tools: true,
    panel: turn % 2 === 0,
    behaviors: true,
    readme: true,
    dependencies: LENGTHS.slice(0, turn % 7).map((length) => "e".repeat(length - 30)),
    capabilities: LENGTHS.slice(turn * 2, turn * 3).map((length) => "cé日'".repeat(length / 4)),
    routes: lengths.flatMap((length) => [
      {
        method: METHODS[1 + (length % 4)],
        path: `/${"p".repeat(length)}`,
        description: `é${"s".repeat(length)}`,
        response: "日本".repeat(length / 2) + "x".repeat(length % 3),
        body: {
          ["k".repeat(length)]: {
            type: type(0),
            required: length % 2 === 0,
            description: "f".repeat(length),
          },
          ["l-".repeat(length / 2)]: {
            type: type(1),
            required: length % 3 === 0,
            description: `"${"f".repeat(length)}`,
          },
        },
      },
      {
        method: "PATCH",
        path: `/${length}/:${"q".repeat(length)}`,
        body: { ["m".repeat(length)]: { type: type(2) } },
      },
      { method: "GET", path: `/${length}/:${"q-".repeat(length / 2)}/x` },
    ]),
  };
}
