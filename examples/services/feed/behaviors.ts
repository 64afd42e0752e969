// What the feed says of an agent by itself: that it works on a prompt, what each turn took, and that it is done.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createSessionCall } from "#core/http.js";
import type { FleetClient } from "#core/types.js";

/** What a message of a model says of its cost; whatever else a message holds is nothing to the feed. */
const ModelMessage = Type.Object({
  role: Type.Literal("assistant"),
  usage: Type.Object({
    input: Type.Number(),
    output: Type.Number(),
    cost: Type.Optional(Type.Object({ total: Type.Number() })),
  }),
});

interface Spent {
  input: number;
  output: number;
  cost: number;
}

export function registerBehaviors(pi: ExtensionAPI, client: FleetClient): void {
  const call = createSessionCall(client);
  const publish = (type: string, summary: string, more: object = {}) =>
    call("POST", "/feed/events", { agent: client.agentName, type, summary, ...more });
  /** Of this turn, of this prompt, and of the session. */
  let [turn, prompt, session] = [nothing(), nothing(), nothing()];
  let turns = 0;

  pi.on("agent_start", async () => {
    [turn, prompt, turns] = [nothing(), nothing(), 0];
    await publish("agent_started", `Agent ${client.agentName} started processing`);
  });
  // A turn's own event may come without its message.
  pi.on("message_end", ({ message }) => {
    if (Value.Check(ModelMessage, message)) turn = sum(turn, spentOn(message));
  });
  pi.on("turn_end", async () => {
    const { input, output } = turn;
    [prompt, session, turns] = [sum(prompt, turn), sum(session, turn), turns + 1];
    turn = nothing();
    const detail = {
      agent: client.agentName,
      tokensThisTurn: input + output,
      totalTokens: tokensOf(session),
      inputTokens: input,
      outputTokens: output,
      timestamp: Date.now(),
    };
    await publish("token_update", `${input + output} tokens`, { detail: JSON.stringify(detail) });
  });
  pi.on("agent_end", async () => {
    const { cost } = prompt;
    const tokens = tokensOf(prompt);
    const summary = `Agent ${client.agentName} finished (${turns} turns, ${tokens} tokens, $${cost.toFixed(2)})`;
    const { taskId } = client;
    await publish("agent_stopped", summary, { metadata: { turns, tokens, cost, ...(taskId && { taskId }) } });
  });
}

function spentOn({ usage: { input, output, cost } }: Static<typeof ModelMessage>): Spent {
  return { input, output, cost: cost?.total ?? 0 };
}

function nothing(): Spent {
  return { input: 0, output: 0, cost: 0 };
}

function sum(one: Spent, two: Spent): Spent {
  return { input: one.input + two.input, output: one.output + two.output, cost: one.cost + two.cost };
}

function tokensOf({ input, output }: Spent): number {
  return input + output;
}
