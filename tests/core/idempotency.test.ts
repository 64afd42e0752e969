// What is asked for under an Idempotency-Key is done once: over repeats, races, restarts and crashes.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Hono } from "hono";
import { causeWith, runWithCause } from "../../src/core/cause.js";
import { ReefError } from "../../src/core/errors.js";
import { ServiceEventBus } from "../../src/core/events.js";
import {
  type IdempotencyKeys,
  idempotent,
  keyedRequest,
  type Operation,
  type Outcome,
  openIdempotencyKeys,
} from "../../src/core/http.js";
import { createScope, type Scope } from "../../src/core/scope.js";
import type { Caller } from "../../src/core/types.js";
import { contextOf, type Heard, listener, temporaryDir } from "./modules.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const SERVER: Caller = { kind: "server" };

let dir: string;
let scope: Scope;
let heard: Heard;
let nowMs: number;
let keys: IdempotencyKeys;
/** What the work was given, each time that it was done. */
let done: (Operation | undefined)[];
let work: (operation: Operation | undefined) => Promise<Outcome>;

/** The keys of a module as it finds them when it starts. */
function open(limits: { keysMax?: number; bytesMax?: number } = {}): void {
  scope = createScope(heard.log);
  const events = new ServiceEventBus(heard.log);
  const place = { dir, servicesDir: dir, dataDir: dir };
  const ctx = contextOf({ name: "deeds", ...place, scope, events, log: heard.log });
  keys = openIdempotencyKeys(ctx, { now: () => nowMs, ...limits });
}

beforeEach(async () => {
  dir = await temporaryDir();
  heard = listener();
  nowMs = 1_000_000;
  done = [];
  work = async (operation) => {
    done.push(operation);
    return { status: 202, body: { deed: done.length } };
  };
  open();
});
afterEach(async () => {
  await scope.undo();
  await rm(dir, { recursive: true, force: true });
});

interface Asked {
  key?: string;
  body?: string;
  caller?: Caller;
  path?: string;
}

async function ask({ key = "k", body = "{}", caller = SERVER, path = "/do" }: Asked = {}) {
  const app = new Hono().post("/*", (c) => idempotent(c, keys, work));
  app.onError((error, c) => {
    if (!(error instanceof ReefError)) return c.json({ error: "internal" }, 500);
    return c.json({ error: error.message, ...error.details }, error.status);
  });
  const headers: Record<string, string> = key === "-" ? {} : { "Idempotency-Key": key };
  const answer = await runWithCause(causeWith({ caller }), () =>
    app.request(path, { method: "POST", body, headers }),
  );
  const replayed = answer.headers.get("idempotency-replayed");
  return { status: answer.status, replayed, body: (await answer.json()) as Record<string, unknown> };
}

async function restart(): Promise<void> {
  await scope.undo();
  open();
}

const crash = async (operation: Operation | undefined) => {
  done.push(operation);
  throw new TypeError("the lights went out");
};

test("without a key everything is done as often as it is asked for, and nothing is kept", async () => {
  expect(await ask({ key: "-" })).toEqual({ status: 202, replayed: null, body: { deed: 1 } });
  expect((await ask({ key: "-" })).body).toEqual({ deed: 2 });
  expect(done).toEqual([undefined, undefined]);
});

describe("with a key (spec §2.7)", () => {
  test("the first answer comes again and says so, also after a restart", async () => {
    expect(await ask()).toEqual({ status: 202, replayed: null, body: { deed: 1 } });
    const again = { status: 202, replayed: "true", body: { deed: 1 } };
    expect(await ask()).toEqual(again);
    await restart();
    expect(await ask()).toEqual(again);
    expect(done).toEqual([{ id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/), isRetry: false }]);
  });

  test("another body is 409, and the first answer stands", async () => {
    await ask({ body: '{"a":1}' });
    expect(await ask({ body: '{"a":2}' })).toMatchObject({
      status: 409,
      body: { error: "Idempotency-Key 'k' was used with another body" },
    });
    expect((await ask({ body: '{"a":1}' })).body).toEqual({ deed: 1 });
    expect(done).toHaveLength(1);
  });

  test("of many at once one is done, the others wait for its answer, and another body does not wait", async () => {
    const gate = Promise.withResolvers<void>();
    const soon = work;
    work = async (operation) => {
      await gate.promise;
      return soon(operation);
    };
    const many = Array.from({ length: 20 }, () => ask());
    while ((await ask({ body: "other" })).status !== 409);
    gate.resolve();
    const answers = await Promise.all(many);
    expect(done).toHaveLength(1);
    expect(answers.map(({ body }) => body)).toEqual(Array(20).fill({ deed: 1 }));
    expect(answers.filter(({ replayed }) => replayed === "true")).toHaveLength(19);
  });

  test("a failure that is an answer comes again too", async () => {
    work = async () => ({ status: 400, body: { error: "Not deployed", steps: [1] } });
    await ask();
    work = crash;
    expect(await ask()).toEqual({
      status: 400,
      replayed: "true",
      body: { error: "Not deployed", steps: [1] },
    });
  });

  test("a refusal keeps nothing, and the key is free for another body", async () => {
    const later = work;
    work = async () => {
      throw new ReefError("rate_limited", "The queue is full");
    };
    expect((await ask({ body: "one" })).status).toBe(429);
    expect((await ask({ body: "two" })).status).toBe(429);
    work = later;
    expect(await ask({ body: "three" })).toMatchObject({ status: 202, replayed: null });
  });

  test("a key is its caller's and its route's own", async () => {
    const one: Caller = { kind: "task", taskId: "one" };
    const two: Caller = { kind: "task", taskId: "two" };
    for (const asked of [{}, { caller: one }, { caller: two }, { path: "/other" }])
      expect(await ask(asked)).toMatchObject({ status: 202, replayed: null });
    expect(await ask({ caller: { ...SERVER, agentName: "named" } })).toMatchObject({ replayed: "true" });
    expect(done).toHaveLength(4);
  });

  test("after a day the key is free again, and not before", async () => {
    await ask({ body: "one" });
    nowMs += DAY_MS - 1;
    expect((await ask({ body: "two" })).status).toBe(409);
    nowMs += 1;
    expect(await ask({ body: "two" })).toMatchObject({ status: 202, replayed: null, body: { deed: 2 } });
  });

  test.each([
    ["empty", ""],
    ["longer than 200 characters", "x".repeat(201)],
  ])("one that is %s is 400", async (_what, key) => {
    expect(await ask({ key })).toMatchObject({
      status: 400,
      body: { error: "Idempotency-Key must have 1 to 200 characters" },
    });
    expect(done).toEqual([]);
  });

  test.each(["x".repeat(200), "a'b\"c;--", "__proto__", "é", "%00", "k, k"])(
    "%.20s is a key",
    async (key) => {
      await ask({ key });
      expect((await ask({ key })).replayed).toBe("true");
    },
  );

  test("the file is the module's own and no other module's", async () => {
    await ask();
    expect(readdirSync(dir).filter((name) => name.endsWith(".sqlite"))).toEqual(["deeds_idempotency.sqlite"]);
  });
});

describe("after a crash between the work and its answer (spec §2.7)", () => {
  test("the next attempt is told, and finds what was done by the same id", async () => {
    const later = work;
    work = crash;
    expect((await ask()).status).toBe(500);
    await restart();
    work = later;
    expect(await ask()).toMatchObject({ status: 202, body: { deed: 2 } });
    const [first, second] = done;
    expect([first?.isRetry, second?.isRetry, second?.id]).toEqual([false, true, first?.id]);
    expect((await ask()).replayed).toBe("true");
  });

  test("another body is refused, although nothing was answered yet", async () => {
    work = crash;
    await ask({ body: "one" });
    expect((await ask({ body: "two" })).status).toBe(409);
  });

  test("what a retry finds done says that it was not done again", async () => {
    work = crash;
    await ask();
    work = async () => ({ status: 201, body: { found: true }, replayed: true });
    expect(await ask()).toEqual({ status: 201, replayed: "true", body: { found: true } });
  });

  test("a retry that is refused stays one: what was done before it may still be there", async () => {
    work = crash;
    await ask();
    work = async () => {
      throw new ReefError("unavailable", "not now");
    };
    expect((await ask()).status).toBe(503);
    work = crash;
    await ask();
    expect(done.at(-1)).toEqual({ id: done[0]?.id ?? "", isRetry: true });
  });
});

describe("when the place is full", () => {
  test("new keys are refused, known ones are answered, and a day later there is room", async () => {
    await scope.undo();
    open({ keysMax: 2 });
    await ask({ key: "a" });
    await ask({ key: "b" });
    expect(await ask({ key: "c" })).toMatchObject({ status: 429, body: { retryAfter: 60 } });
    expect(done).toHaveLength(2);
    expect((await ask({ key: "a" })).replayed).toBe("true");
    nowMs += DAY_MS;
    expect((await ask({ key: "c" })).status).toBe(202);
  });

  test("bytes of answers count, and those of a released key do not", async () => {
    await scope.undo();
    open({ bytesMax: 1000 });
    work = async () => ({ status: 200, body: { text: "x".repeat(600) } });
    await ask({ key: "a" });
    await ask({ key: "b" });
    expect((await ask({ key: "c" })).status).toBe(429);
    nowMs += DAY_MS;
    expect((await ask({ key: "c" })).status).toBe(200);
  });
});

test("an answer of another form reads the request and does the work once by itself", async () => {
  const app = new Hono().post("/stream", async (c) => {
    const request = await keyedRequest(c);
    if (!request) return c.text("no key");
    const outcome = await keys.once(request, work);
    return c.text(`data: ${JSON.stringify(outcome.body)} ${outcome.replayed === true}`);
  });
  const post = async (headers = {}) =>
    (await app.request("/stream", { method: "POST", body: "{}", headers })).text();
  expect(await post()).toBe("no key");
  expect(await post({ "Idempotency-Key": "s" })).toBe('data: {"deed":1} false');
  expect(await post({ "Idempotency-Key": "s" })).toBe('data: {"deed":1} true');
});
