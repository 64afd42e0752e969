// The sums and lists of the ledger against a plain walk over everything that was recorded: whatever came, was split and
// replaced, and whatever window one looks through.
import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { createTestHarness, queryPlans, scansIn, type TestHarness } from "#core/testing.js";
import usage from "./index.js";
import type { Session, SessionInput } from "./session.js";
import { type Ledger, openLedger } from "./store.js";
import { type Breakdown, summaryOf } from "./summary.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 0, 31, 12, 34, 56, 789);
const EVERYTHING: ReadonlySet<Breakdown> = new Set<Breakdown>(["model", "task", "day"]);

let harness: TestHarness;
let files = 0;
beforeEach(async () => {
  harness = await createTestHarness({ services: [] });
});
afterEach(() => harness.cleanup());

const open = (name = `usage-${++files}`) => openLedger({ ...harness.ctx, name }, { now: () => NOW });

test("sums equal exact decimal arithmetic, for any sessions, splits and upserts (spec §17.15)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), windows, async (steps, ranges) => {
      const ledger = open();
      const sessions = await record(ledger, steps);
      for (const range of ranges) {
        const inside = sessions.filter((session) => isInside(session, range));
        expect(summaryOf("x", ledger.window(range), EVERYTHING)).toEqual(walked(inside));
      }
    }),
    { numRuns: 60 },
  );
});

test("pages of a range hold every session that ended in it, once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), windows, async (steps, ranges) => {
      const ledger = open();
      const sessions = (await record(ledger, steps)).toSorted(newestFirst);
      for (const range of ranges) {
        const inside = sessions.filter((session) => isInside(session, range));
        expect(pagesOf(ledger, range, {})).toEqual(inside);
        const ofAda = inside.filter(({ agent }) => agent === "ada");
        expect(pagesOf(ledger, range, { agent: "ada" })).toEqual(ofAda);
        const page = { filters: {}, limit: 1, isCounted: true, cursor: () => "" };
        expect(ledger.sessions({ agent: "ada" }, { page, range }).total).toBe(ofAda.length);
      }
    }),
    { numRuns: 40 },
  );
});

test("the costliest names of a window are found among many that cost more before it", async () => {
  const ledger = open();
  const cost = (agent: string, total: number, endedAt: number) =>
    ledger.addSession(
      inputOf({ ...WHO, agent }, { shares: [{ tokens: 1, cost: total }], durationMs: 0, endedAt }),
      {
        upsert: false,
      },
    );
  for (let n = 0; n < 150; n++) {
    await cost(`old-${n}`, 100 + n, NOW - 300 * DAY_MS);
    await cost(`straddling-${n}`, 50 + n, NOW - (n % 100) * DAY_MS - DAY_MS);
    await cost(`straddling-${n}`, n / 100, NOW - 60_000);
    await cost(`new-${n}`, n / 100 + 1 / 256, NOW - HOUR_MS * (n % 20));
  }
  for (const range of [HOUR_MS, 2 * DAY_MS, 70 * DAY_MS, undefined]) {
    const window = ledger.window(range);
    const all = window.top("agent", 1_000);
    expect(window.top("agent", 7).map(({ cost }) => cost)).toEqual(all.slice(0, 7).map(({ cost }) => cost));
    expect(all.map(({ cost }) => cost)).toEqual(
      all.map(({ cost }) => cost).toSorted((a, b) => Number(b - a)),
    );
    const sum = all.reduce((sum, { cost }) => sum + cost, 0n);
    expect(sum).toBe(window.sum("all").cost);
  }
});

test("no list, no sum and no count scans its table or sorts (spec §17.7)", async () => {
  const plans = await queryPlans(`${harness.dataDir}/usage.sqlite`, async () => {
    const ledger = open("usage");
    await record(ledger, fc.sample(step, 200));
    for (let n = 0; n < 100; n++)
      await ledger.addSession(inputOf(WHO, { shares: SHARE, durationMs: n, endedAt: NOW - n * DAY_MS }), {
        upsert: n % 2 === 0,
      });
    const vm = { vmId: "v", role: "worker", agent: "a", createdAt: NOW, commitId: undefined } as const;
    for (const destroyedAt of [undefined, NOW]) await ledger.addVm({ ...vm, destroyedAt });
    const page = { filters: {}, limit: 5, isCounted: true, after: [NOW, "~"], cursor: () => "" };
    for (const range of [HOUR_MS, 200 * DAY_MS, undefined]) {
      summaryOf("x", ledger.window(range), EVERYTHING);
      for (const filter of [{}, { agent: "ada" }, { model: "m" }, { taskId: "t1" }, { sessionId: "s1" }])
        ledger.sessions(filter, { page, range });
      for (const filter of [{}, { role: "worker" }, { agent: "a" }]) ledger.vms(filter, { page, range });
    }
  });
  expect(plans.length).toBeGreaterThan(35);
  expect(scansIn(plans)).toEqual([]);
});

test("what stands after a restart is what was recorded, sums included (spec §17.4)", async () => {
  const first = open("usage");
  const sessions = await record(first, fc.sample(step, 30));
  const again = open("usage");
  expect(pagesOf(again, undefined, {})).toEqual(sessions.toSorted(newestFirst));
  expect(summaryOf("all", again.window(undefined), EVERYTHING)).toEqual(
    summaryOf("all", first.window(undefined), EVERYTHING),
  );
  const { session } = await again.addSession(inputOf(WHO, { shares: SHARE, durationMs: 0, endedAt: NOW }), {
    upsert: false,
  });
  expect(sessions.every(({ id }) => id < session.id)).toBe(true);
});

test("a module that was undone can be started again, and goes on (spec §1.1)", async () => {
  const counts: number[] = [];
  for (let n = 0; n < 2; n++) {
    const again = await createTestHarness({ services: [usage], dataDir: harness.dataDir });
    const body = { vmId: `v${n}`, agent: "ada", createdAt: "2026-01-31" };
    await again.json("/usage/vms", { auth: true, body });
    counts.push((await again.json("/usage?range=all", { auth: true })).data.totals.vms);
    await again.cleanup();
  }
  expect(counts).toEqual([1, 2]);
});

interface Step {
  upsert: boolean;
  input: SessionInput;
}

type Who = Pick<SessionInput, "sessionId" | "agent" | "model" | "taskId">;
interface What {
  shares: { tokens: number; cost: number }[];
  durationMs: number;
  endedAt: number;
}

const WHO: Who = { sessionId: "s", agent: "ada", model: "opus", taskId: "t1" };
const SHARE = [{ tokens: 1, cost: 0.01 }];
const MOST: What["shares"] = [{ tokens: Number.MAX_SAFE_INTEGER, cost: 1_000_000 }];

/** Dollars as people write them, with any number of decimals up to 9. */
const dollars = fc
  .tuple(fc.nat(20), fc.nat(999_999_999), fc.nat(9))
  .map(([whole, part, decimals]) => Number(`${whole}.${String(part).padStart(9, "0").slice(0, decimals)}0`));

/** At and around the edges of hours and days, and up to years away. */
const time = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 5, 23, 24, 25, 24 * 7, 24 * 7 + 1, 24 * 100, 24 * 900, -3),
    fc.constantFrom(0, 1, -1, 500, -HOUR_MS / 2, HOUR_MS / 3),
    fc.constantFrom(NOW, NOW - (NOW % HOUR_MS), NOW - (NOW % DAY_MS)),
  )
  .map(([hours, ms, from]) => from - hours * HOUR_MS + ms);

const windows = fc
  .array(time, { minLength: 1, maxLength: 3 })
  .map((times) => [...times.map((from) => Math.max(1, NOW - from)), 7 * DAY_MS, undefined]);

const step: fc.Arbitrary<Step> = fc
  .record({
    who: fc.record({
      sessionId: fc.constantFrom("s1", "s2", "s3"),
      agent: fc.constantFrom("ada", "bob", "__proto__"),
      model: fc.constantFrom("opus", "haiku"),
      taskId: fc.constantFrom(undefined, "t1", "t2", "constructor"),
    }),
    what: fc.record({
      endedAt: time,
      durationMs: fc.constantFrom(0, 1, 1_000, HOUR_MS, 2 ** 22, 3 * DAY_MS, 2_000 * DAY_MS),
      shares: fc.oneof(
        fc.array(fc.record({ tokens: fc.nat(1_000_000), cost: dollars }), { minLength: 1, maxLength: 3 }),
        fc.constant(MOST),
      ),
    }),
    upsert: fc.boolean(),
  })
  .map(({ who, what, upsert }) => ({ upsert, input: inputOf(who, what) }));

function inputOf(who: Who, { shares, durationMs, endedAt }: What): SessionInput {
  const figures = (total: number) => ({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total });
  const models = Object.fromEntries(shares.map((share, n) => [`model-${n}`, { ...share, turns: 1 }]));
  return {
    ...who,
    parentAgent: undefined,
    nodeId: undefined,
    tokens: figures(shares.reduce((sum, { tokens }) => sum + tokens, 0)),
    cost: figures(numberOf(shares.reduce((sum, { cost }) => sum + decimal(cost), 0n))),
    turns: 1,
    toolCalls: {},
    startedAt: endedAt - durationMs,
    endedAt,
    models: shares.length > 1 ? models : undefined,
  };
}

/** Resolves to what stands at the end. */
async function record(ledger: Ledger, steps: Step[]): Promise<Session[]> {
  const kept = new Map<string, Session>();
  for (const { upsert, input } of steps) {
    const { session, isNew } = await ledger.addSession(input, { upsert });
    expect(isNew).toBe(!kept.has(session.id));
    kept.set(session.id, session);
  }
  return [...kept.values()];
}

function isInside({ endedAt }: Session, range: number | undefined): boolean {
  return range === undefined || Date.parse(endedAt) >= NOW - range;
}

function newestFirst(one: Session, two: Session): number {
  return Date.parse(two.startedAt) - Date.parse(one.startedAt) || (one.id < two.id ? 1 : -1);
}

function pagesOf(ledger: Ledger, range: number | undefined, filter: { agent?: string }): Session[] {
  const found: Session[] = [];
  let after: (string | number)[] | undefined;
  do {
    const page = {
      filters: {},
      limit: 3,
      isCounted: false,
      ...(after && { after }),
      cursor: (at: readonly (string | number)[]) => JSON.stringify(at),
    };
    const { texts, cursor } = ledger.sessions(filter, { page, range });
    found.push(...texts.map((json) => JSON.parse(json)));
    after = cursor === null ? undefined : JSON.parse(cursor);
  } while (after);
  return found;
}

/** Billionths, from the digits as they are written. */
function decimal(value: number): bigint {
  const [, whole = "", part = "", exponent = "0"] =
    /^(\d+)(?:\.(\d+))?(?:e-(\d+))?$/.exec(String(value)) ?? [];
  return BigInt(whole + part) * 10n ** BigInt(9 - part.length - Number(exponent));
}

function numberOf(billionths: bigint): number {
  return Number(`${billionths / 10n ** 9n}.${String(billionths % 10n ** 9n).padStart(9, "0")}`);
}

type Entry = [key: string, tokens: number, cost: number];

/** What the summary of these sessions has to be. */
function walked(sessions: Session[]) {
  const total = (share: number | { total: number }) => (typeof share === "number" ? share : share.total);
  const whole = (key: string, { tokens, cost }: Session): Entry => [key, tokens.total, cost.total];
  const models = (one: Session): Entry[] =>
    one.models
      ? Object.entries(one.models).map(([model, { tokens, cost }]) => [model, total(tokens), total(cost)])
      : [whole(one.model, one)];
  const agents = grouped(sessions.map((one) => whole(one.agent, one)));
  const all = grouped(sessions.map((one) => whole("all", one))).get("all");
  const days = sessions.map((one) => whole(one.endedAt.slice(0, 10), one));
  const newest = Math.max(...days.map(([day]) => Date.parse(day)));
  return {
    range: "x",
    totals: { ...shown(all), vms: 0 },
    byAgent: allShown(agents),
    exact: {
      cost: numberOf(all?.cost ?? 0n),
      byAgent: Object.fromEntries(Array.from(agents, ([agent, { cost }]) => [agent, numberOf(cost)])),
    },
    byModel: allShown(grouped(sessions.flatMap(models))),
    byTask: allShown(grouped(sessions.flatMap((one) => (one.taskId ? [whole(one.taskId, one)] : [])))),
    byDay: allShown(grouped(days.filter(([day]) => Date.parse(day) > newest - 366 * DAY_MS))),
  };
}

interface Walked {
  tokens: bigint;
  cost: bigint;
  sessions: number;
}

function grouped(entries: Entry[]): Map<string, Walked> {
  const groups = new Map<string, Walked>();
  for (const [key, tokens, cost] of entries) {
    const sum = groups.get(key) ?? { tokens: 0n, cost: 0n, sessions: 0 };
    groups.set(key, {
      tokens: sum.tokens + BigInt(tokens),
      cost: sum.cost + decimal(cost),
      sessions: sum.sessions + 1,
    });
  }
  return groups;
}

function shown({ tokens, cost, sessions }: Walked = { tokens: 0n, cost: 0n, sessions: 0 }) {
  return { tokens: Number(tokens), cost: Number((cost + 5_000_000n) / 10_000_000n) / 100, sessions };
}

function allShown(groups: Map<string, Walked>) {
  return Object.fromEntries(Array.from(groups, ([key, sum]) => [key, shown(sum)]));
}
