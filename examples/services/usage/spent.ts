// What a session has spent, as a value: pieces of it come with each message, turn and tool call, and are put together.
import { type Static, Type } from "@sinclair/typebox";
import { billionthsOf, dollarsOf } from "./amounts.js";
import { type Figures, type Share, totalOf } from "./figures.js";
import type { Session } from "./session.js";

export interface Spent extends Pick<Session, "tokens" | "cost" | "turns" | "toolCalls"> {
  /** The last one that answered; empty as long as none has. */
  model: string;
  /** Of all of it, what each model had. */
  models: Record<string, ModelShare>;
}

type ModelShare = NonNullable<Session["models"]>[string];

const Amount = Type.Optional(Type.Number({ minimum: 0 }));

/** What a message of a model says of its cost; whatever else a message holds is nothing to the ledger. */
export const ModelMessage = Type.Object({
  role: Type.Literal("assistant"),
  model: Type.String({ minLength: 1 }),
  usage: Type.Object({
    input: Type.Number({ minimum: 0 }),
    output: Type.Number({ minimum: 0 }),
    cacheRead: Amount,
    cacheWrite: Amount,
    totalTokens: Amount,
    cost: Type.Optional(
      Type.Object({ input: Amount, output: Amount, cacheRead: Amount, cacheWrite: Amount, total: Amount }),
    ),
  }),
});

export function spentNothing(): Spent {
  return { model: "", tokens: figures({}), cost: figures({}), turns: 0, toolCalls: {}, models: {} };
}

export function spentOn({ model, usage }: Static<typeof ModelMessage>): Spent {
  const { input, output, cacheRead = 0, cacheWrite = 0 } = usage;
  const total = usage.totalTokens ?? input + output + cacheRead + cacheWrite;
  const used = {
    tokens: { input, output, cacheRead, cacheWrite, total },
    cost: figures(usage.cost ?? {}),
    turns: 0,
  };
  return { ...used, model, toolCalls: {}, models: { [model]: used } };
}

/** `model` answered in it. */
export function spentTurn(model: string): Spent {
  const share = { tokens: figures({}), cost: figures({}), turns: 1 };
  return { ...spentNothing(), turns: 1, models: model === "" ? {} : { [model]: share } };
}

export function spentCall(toolName: string): Spent {
  return { ...spentNothing(), toolCalls: { [toolName]: 1 } };
}

/** As it was recorded before. */
export function spentIn({ model, tokens, cost, turns, toolCalls, models }: Session): Spent {
  return { model, tokens, cost, turns, toolCalls, models: models ?? { [model]: { tokens, cost, turns } } };
}

export function together(one: Spent, two: Spent): Spent {
  return {
    model: two.model || one.model,
    tokens: sum(one.tokens, two.tokens, counted),
    cost: sum(one.cost, two.cost, paid),
    turns: one.turns + two.turns,
    toolCalls: merged(one.toolCalls, two.toolCalls, counted),
    models: merged(one.models, two.models, (first, second) => ({
      tokens: grown(first.tokens, second.tokens, counted),
      cost: grown(first.cost, second.cost, paid),
      turns: (first.turns ?? 0) + (second.turns ?? 0),
    })),
  };
}

type Add = (one: number, two: number) => number;

const counted: Add = (one, two) => one + two;
/** In billionths, so that shares add up to the whole. */
const paid: Add = (one, two) => dollarsOf(BigInt(billionthsOf(one)) + BigInt(billionthsOf(two)));

function figures({
  input = 0,
  output = 0,
  cacheRead = 0,
  cacheWrite = 0,
  total = 0,
}: Partial<Figures>): Figures {
  return { input, output, cacheRead, cacheWrite, total };
}

function sum(one: Figures, two: Figures, add: Add): Figures {
  return {
    input: add(one.input, two.input),
    output: add(one.output, two.output),
    cacheRead: add(one.cacheRead, two.cacheRead),
    cacheWrite: add(one.cacheWrite, two.cacheWrite),
    total: add(one.total, two.total),
  };
}

/** Of a share that is recorded by its total alone, that total goes on. */
function grown(one: Share, two: Share, add: Add): Share {
  if (typeof one === "object" && typeof two === "object") return sum(one, two, add);
  return add(totalOf(one), totalOf(two));
}

function merged<T>(
  one: Record<string, T>,
  two: Record<string, T>,
  join: (one: T, two: T) => T,
): Record<string, T> {
  const all = new Map(Object.entries(one));
  for (const [name, value] of Object.entries(two)) {
    const before = all.get(name);
    all.set(name, before === undefined ? value : join(before, value));
  }
  return Object.fromEntries(all);
}
