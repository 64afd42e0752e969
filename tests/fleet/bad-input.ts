// Bad input for any service, made from what its `routeDocs` say: every field and parameter of every route with values of
// another type, too large, or hostile. Nothing of it may end in a 5xx, and what is refused may change nothing.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import type { ParamDoc, RouteDocs, ServiceModule } from "../../src/core/types.js";

const HUGE = 300_000;
const ANSWER_CHARS_SHOWN = 200;
const KNOWN_CODES =
  /^(bad_request|unauthorized|forbidden|not_found|conflict|precondition_failed|too_large|rate_limited|upstream_failed|unavailable|insufficient_storage)$/;

type Route = { method: string; path: string; docs: RouteDocs };
type Body = Record<string, unknown>;

export interface BadInputOptions {
  /** A body that each write route takes, by its key in `routeDocs`. */
  bodies: Record<string, Body>;
  /** Makes what the routes speak of, and returns a known value for each path parameter. Called for every route. */
  prepare?(harness: TestHarness): Promise<Record<string, string>>;
  /** The service's file in DATA_DIR. Default: `<name>.sqlite`. */
  file?: string;
  /** Routes whose errors are pages. */
  htmlErrors?: readonly string[];
  /** Random bodies for each write route. Default 60. */
  randomBodies?: number;
}

export interface BadInputReport {
  requests: number;
  /** Each request that was answered as none may be. */
  problems: string[];
}

interface Attack {
  what: string;
  method: string;
  path: string;
  body?: string | Uint8Array;
  /** It has to be refused, for a documented type is another one. */
  isWrong?: boolean;
}

export async function tryBadInput(module: ServiceModule, options: BadInputOptions): Promise<BadInputReport> {
  const harness = await createTestHarness({ services: [module] });
  const report: BadInputReport = { requests: 0, problems: [] };
  try {
    for (const route of routesIn(module)) {
      const params = (await options.prepare?.(harness)) ?? {};
      const run = new Run(harness, module, route, options, report);
      for (const attack of attacksOn(route, params, options)) await run.try(attack);
      await run.tryRandom(params);
    }
  } finally {
    await harness.cleanup();
  }
  return report;
}

function routesIn({ routeDocs = {} }: ServiceModule): Route[] {
  return Object.entries(routeDocs).map(([key, docs]) => {
    const [method = "", path = ""] = key.split(" ");
    return { method, path, docs };
  });
}

function* attacksOn(
  route: Route,
  params: Record<string, string>,
  options: BadInputOptions,
): Generator<Attack> {
  const { method, docs } = route;
  const path = filled(route.path, params);
  for (const name of Object.keys(docs.params ?? {}))
    for (const value of HOSTILE_SEGMENTS)
      yield { what: `:${name} = ${value}`, method, path: filled(route.path, { ...params, [name]: value }) };
  for (const name of Object.keys(docs.query ?? {}))
    for (const value of HOSTILE_TEXTS)
      yield { what: `?${name}`, method, path: `${path}?${name}=${encodeURIComponent(value.toWellFormed())}` };
  if (method === "GET") return;
  const good = options.bodies[`${method} ${route.path}`];
  const isRequired = Object.values(docs.body ?? {}).some(({ required }) => required);
  for (const [what, body] of BROKEN_BODIES) yield { what, method, path, body, isWrong: isRequired };
  for (const [name, doc] of Object.entries(docs.body ?? {}))
    for (const [value, isWrong] of valuesFor(doc))
      yield {
        what: `${name} = ${shown(value)}`,
        method,
        path,
        body: json({ ...good, [name]: value }),
        isWrong,
      };
}

class Run {
  readonly #harness: TestHarness;
  readonly #module: ServiceModule;
  readonly #route: Route;
  readonly #options: BadInputOptions;
  readonly #report: BadInputReport;
  readonly #file: DataFile;

  constructor(
    harness: TestHarness,
    module: ServiceModule,
    route: Route,
    options: BadInputOptions,
    report: BadInputReport,
  ) {
    this.#harness = harness;
    this.#module = module;
    this.#route = route;
    this.#options = options;
    this.#report = report;
    this.#file = new DataFile(`${harness.dataDir}/${options.file ?? `${module.name}.sqlite`}`);
  }

  async try(attack: Attack): Promise<void> {
    const { method, path, body } = attack;
    const before = this.#file.content();
    const response = await this.#harness.fetch(`/${this.#module.name}${path}`, { method, body, auth: true });
    const text = await textOf(response);
    this.#report.requests++;
    const problem = this.#problemWith(attack, response, text);
    const hasChanged = response.status >= 400 && this.#file.content() !== before;
    for (const one of [problem, hasChanged ? "something changed although it was refused" : undefined])
      if (one !== undefined)
        this.#report.problems.push(
          `${this.#key}, ${attack.what}: ${one}: ${response.status} ${text.slice(0, ANSWER_CHARS_SHOWN)}`,
        );
  }

  async tryRandom(params: Record<string, string>): Promise<void> {
    const { method, path, docs } = this.#route;
    const names = Object.keys(docs.body ?? {});
    if (method === "GET" || names.length === 0) return;
    const good = this.#options.bodies[this.#key] ?? {};
    const bodies = fc.sample(randomBody(names), this.#options.randomBodies ?? 60);
    for (const random of bodies)
      await this.try({
        what: `random ${shown(random)}`,
        method,
        path: filled(path, params),
        body: json({ ...good, ...random }),
      });
  }

  get #key(): string {
    return `${this.#route.method} ${this.#route.path}`;
  }

  #problemWith({ isWrong }: Attack, { status, headers }: Response, text: string): string | undefined {
    if (status >= 500) return "a failure";
    if (status < 400) return isWrong ? "taken although its type is another one" : undefined;
    if (this.#options.htmlErrors?.includes(this.#key)) return undefined;
    // No route at all: a segment that hostile values have changed the path with.
    if (status === 404 && text === '{"error":"not found"}') return undefined;
    if (!headers.get("content-type")?.startsWith("application/json")) return "an error that is not JSON";
    const { error, code } = JSON.parse(text);
    const isError = typeof error === "string" && error !== "" && KNOWN_CODES.test(code);
    return isError ? undefined : "an error without its message or code";
  }
}

/** The tables of a service, as text. Read again only when somebody wrote meanwhile. */
class DataFile {
  readonly #db: Database | undefined;
  #version = -1;
  #content = "";

  constructor(path: string) {
    if (existsSync(path)) this.#db = new Database(path, { readonly: true });
  }

  content(): string {
    const db = this.#db;
    if (!db) return "";
    const version = db.query<{ data_version: number }, []>("PRAGMA data_version").get()?.data_version ?? 0;
    if (version !== this.#version) this.#content = dumpOf(db);
    this.#version = version;
    return this.#content;
  }
}

function dumpOf(db: Database): string {
  const tables = db.query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const hash = new Bun.CryptoHasher("sha1");
  for (const { name } of tables) {
    const statement = db.prepare(`SELECT * FROM "${name}"`);
    for (const row of statement.iterate()) hash.update(JSON.stringify([name, row]));
    statement.finalize();
  }
  return hash.digest("hex");
}

async function textOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response.text();
  await response.body?.cancel();
  return "";
}

function filled(path: string, params: Record<string, string>): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, (_whole, name: string) => params[name] ?? "unknown");
}

/** Values for a field, and whether each has to be refused. A required field is also left out. */
function valuesFor({ type, required = false }: ParamDoc): [value: unknown, isWrong: boolean][] {
  const wrong = WRONG_TYPES[type.replace(/\[\]$/, "") in WRONG_TYPES ? type : "any"] ?? [];
  return [
    ...wrong.map((value): [unknown, boolean] => [value, true]),
    [undefined, required],
    [null, required],
    ["", required],
    [" \n\t", required],
    ...HOSTILE_TEXTS.map((value): [unknown, boolean] => [value, false]),
    ...HOSTILE_VALUES.map((value): [unknown, boolean] => [value, false]),
  ];
}

const WRONG_TYPES: Record<string, unknown[]> = {
  string: [5, 0, true, ["x"], { a: 1 }, [[]]],
  "string[]": [5, "x", true, { a: 1 }, [5], ["x", null], [["x"]]],
  object: [5, "x", true, ["x"]],
  "object[]": [5, "x", true, { a: 1 }, [5], ["x"]],
  number: ["x", "5", true, [5], { a: 1 }],
  integer: ["x", "5", true, [5], { a: 1 }, 1.5],
  boolean: ["x", "true", 5, [true], { a: 1 }],
  any: [],
};

const HOSTILE_TEXTS = [
  "x",
  "0",
  "-1",
  "1e999",
  "NaN",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "toString",
  "../../../etc/passwd",
  "'; DROP TABLE events; --",
  '" OR 1=1',
  "<img src=x onerror=alert(1)>",
  "</script><script>alert(1)</script>",
  "{{7*7}}",
  "%00",
  "\u0000",
  "\ud800",
  "\u202e\u2028\u2029",
  "😀".repeat(50),
  "2026-99-99",
  "9999-12-31T23:59:59.999-23:59",
  "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
  "x".repeat(4_000),
];

const HOSTILE_VALUES: unknown[] = [
  "x".repeat(HUGE),
  Array.from({ length: 2_000 }, (_, n) => `${n}`),
  Array.from({ length: 2_000 }, () => ({})),
  Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n])),
  { x: "x".repeat(HUGE) },
  JSON.parse(`${"[".repeat(2_000)}${"]".repeat(2_000)}`),
  JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`),
  JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}'),
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER,
  1e300,
  [],
  {},
  [null],
  [{}],
  [[]],
];

const HOSTILE_SEGMENTS = [
  "x",
  "0",
  "-1",
  "__proto__",
  "%00",
  "%zz",
  "%ff",
  "%ED%A0%80",
  "..%2f..%2fetc",
  "%27%20OR%201=1",
  "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
  "%F0%9F%98%80",
  "x".repeat(4_000),
];

const BROKEN_BODIES: [what: string, body: string | Uint8Array][] = [
  ["no body", ""],
  ["white space", " \n"],
  ["half an object", '{"a":'],
  ["a comma too many", '{"a":1,}'],
  ["null", "null"],
  ["true", "true"],
  ["a number", "5"],
  ["a string", '"x"'],
  ["an array", "[]"],
  ["an array of objects", "[{}]"],
  ["NaN", "NaN"],
  ["a form", "a=1&b=2"],
  ["depth", "[".repeat(100_000)],
  ["bytes that are no text", new Uint8Array([0xff, 0xfe, 0x00, 0x7b])],
  ["a million braces", "{".repeat(1_000_000)],
  ["too much", `{"a":"${"x".repeat(8 * 1024 * 1024)}"}`],
];

function randomBody(names: string[]): fc.Arbitrary<Body> {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 6 }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constant(undefined),
  );
  return fc.dictionary(fc.constantFrom(...names, "__proto__", "extra"), value, { maxKeys: names.length });
}

/** JSON as a client may write it: with an own `__proto__`, and with numbers that JavaScript cannot hold. */
function json(body: Body): string {
  return JSON.stringify(body);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 60);
}
