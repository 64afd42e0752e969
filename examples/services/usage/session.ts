// What a session of an agent has used: as a caller says it, and as every answer shows it.
import {
  isoTime,
  LIMITS,
  mapOf,
  number,
  optional,
  type Read,
  refused,
  shape,
  text,
  time,
} from "#core/http.js";
import { addsUp, COST, type Figures, TOKENS } from "./figures.js";

export const MODELS_MAX = 100;

const name = text(LIMITS.nameCharsMax);
const count = number({ min: 0, isInteger: true });

export const SESSION = {
  sessionId: name,
  agent: name,
  model: name,
  parentAgent: optional(name),
  tokens: TOKENS.figures,
  cost: COST.figures,
  turns: number({ min: 0, message: "turns must be a non-negative number" }),
  toolCalls: optional(mapOf(count), {}),
  startedAt: time(),
  endedAt: time(),
  taskId: optional(name),
  nodeId: optional(name),
  models: optional(
    mapOf(shape({ tokens: TOKENS.share, cost: COST.share, turns: optional(number({ min: 0 })) }), MODELS_MAX),
  ),
};

export type SessionInput = Read<typeof SESSION>;

export interface Session {
  id: string;
  sessionId: string;
  agent: string;
  parentAgent: string | null;
  model: string;
  tokens: Figures;
  cost: Figures;
  turns: number;
  toolCalls: Record<string, number>;
  /** These are ISO 8601. */
  startedAt: string;
  endedAt: string;
  recordedAt: string;
  taskId?: string;
  nodeId?: string;
  /** Of a session that changed its model. */
  models?: SessionInput["models"];
}

/** What the fields of a session have to be to each other. */
export function checkSession({ startedAt, endedAt, tokens, cost, models = {} }: SessionInput): void {
  if (endedAt < startedAt) throw refused("endedAt must not be before startedAt");
  const shares = Object.values(models);
  if (shares.length === 0) return;
  const tokensAddUp = addsUp(
    shares.map((share) => share.tokens),
    tokens,
    TOKENS,
  );
  const costAddsUp = addsUp(
    shares.map((share) => share.cost),
    cost,
    COST,
  );
  if (!tokensAddUp || !costAddsUp) throw refused("models must add up to tokens and cost");
}

/** The keys are in the order in which every answer shows them. */
export function sessionOf(
  { id, recordedMs }: { id: string; recordedMs: number },
  input: SessionInput,
): Session {
  const { sessionId, agent, parentAgent = null, model, tokens, cost, turns, toolCalls } = input;
  const { startedAt, endedAt, taskId, nodeId, models = {} } = input;
  return {
    ...{ id, sessionId, agent, parentAgent, model, tokens, cost, turns, toolCalls },
    startedAt: isoTime(startedAt),
    endedAt: isoTime(endedAt),
    recordedAt: isoTime(recordedMs),
    ...(taskId !== undefined && { taskId }),
    ...(nodeId !== undefined && { nodeId }),
    ...(Object.keys(models).length > 0 && { models }),
  };
}
