// Secrets are replaced wherever they stand, also when they come in pieces.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createRedactor } from "../../src/core/redact.js";

function redactorOf(secrets: Record<string, string>) {
  const redactor = createRedactor();
  for (const [name, value] of Object.entries(secrets)) redactor.add(name, value);
  return redactor;
}

test("a secret is replaced by its name, everywhere in a text (spec §1.5)", () => {
  const { text } = redactorOf({ OPENAI_API_KEY: "sk-1234567" });
  expect(text("a sk-1234567 b sk-1234567")).toBe("a [redacted:OPENAI_API_KEY] b [redacted:OPENAI_API_KEY]");
  expect(text("sk-123456")).toBe("sk-123456");
});

test("a value of fewer than 8 characters is no secret", () => {
  expect(redactorOf({ T: "1234567" }).text("1234567")).toBe("1234567");
  expect(redactorOf({ T: "12345678" }).text("12345678")).toBe("[redacted:T]");
});

test("of a secret that begins another the longer one counts", () => {
  const { text } = redactorOf({ SHORT: "abcdefgh", LONG: "abcdefgh-ijkl" });
  expect(text("abcdefgh-ijkl abcdefgh-ijk")).toBe("[redacted:LONG] [redacted:SHORT]-ijk");
});

test("characters with a meaning in patterns are taken as they are", () => {
  expect(redactorOf({ T: "$&.*(a)[b]" }).text("x$&.*(a)[b]x")).toBe("x[redacted:T]x");
});

test("a removed secret is known no more, one added twice until both are removed", () => {
  const redactor = createRedactor();
  const first = redactor.add("T", "secret-one");
  const second = redactor.add("T", "secret-one");
  first();
  expect(redactor.text("secret-one")).toBe("[redacted:T]");
  second();
  second();
  expect(redactor.text("secret-one")).toBe("secret-one");
});

test("values are redacted in depth, keys included, and stay the same object when nothing was there", () => {
  const { value } = redactorOf({ T: "secret-one" });
  expect(value<unknown>({ a: ["x secret-one", { "secret-one": 1 }], n: null, b: true })).toEqual({
    a: ["x [redacted:T]", { "[redacted:T]": 1 }],
    n: null,
    b: true,
  });
  const clean = { a: ["x", { b: 1 }], n: null };
  expect(value(clean)).toBe(clean);
});

test("in a stream a tail that could begin a secret is held back until it is decided (spec §1.5)", () => {
  const stream = redactorOf({ T: "secret-one" }).stream();
  expect(stream.push("is it sec")).toBe("is it ");
  expect(stream.push("ret-")).toBe("");
  expect(stream.push("one? ")).toBe("[redacted:T]? ");
  expect(stream.push("secret-two s")).toBe("secret-two ");
  expect(stream.end()).toBe("s");
  expect(stream.end()).toBe("");
});

test("however a text is cut, a stream gives what the whole text gives, and holds back less than a secret", () => {
  const letters = fc.constantFrom("a", "b");
  const secret = fc.array(letters, { minLength: 8, maxLength: 11 }).map((list) => list.join(""));
  const cuts = fc.array(
    fc.array(letters, { maxLength: 12 }).map((list) => list.join("")),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(fc.uniqueArray(secret, { minLength: 1, maxLength: 3 }), cuts, (secrets, deltas) => {
      const redactor = redactorOf(Object.fromEntries(secrets.map((value, i) => [`S${i}`, value])));
      const stream = redactor.stream();
      const pieces = deltas.map((delta) => stream.push(delta));
      const rest = stream.end();
      expect(pieces.join("") + rest).toBe(redactor.text(deltas.join("")));
      expect(rest.length).toBeLessThan(11);
    }),
    { numRuns: 500 },
  );
});
