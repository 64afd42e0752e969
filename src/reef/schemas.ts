// What the routes of /reef accept, checked by one schema each.
import { type Static, Type } from "@sinclair/typebox";

const THINKING = ["off", "minimal", "low", "medium", "high", "xhigh"] as const;
const TEXT_CHARS_MAX = 16 * 1024 * 1024;
const MILLION_YEARS_SECONDS = 1e13;

const Profile = Type.Object(
  {
    systemPrompt: Type.Optional(Type.String({ minLength: 1 })),
    appendSystemPrompt: Type.Optional(Type.String({ minLength: 1 })),
    tools: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000 })),
  },
  { additionalProperties: true },
);

export const SubmitBody = Type.Object({
  task: Type.String({
    minLength: 1,
    maxLength: TEXT_CHARS_MAX,
    errorMessage: "Missing 'task' string in body.",
  }),
  taskId: Type.Optional(Type.String()),
  parentId: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  thinking: Type.Optional(Type.Union(THINKING.map((level) => Type.Literal(level)))),
  cwd: Type.Optional(Type.String()),
  priority: Type.Optional(Type.Integer({ minimum: -10, maximum: 10 })),
  timeoutSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: MILLION_YEARS_SECONDS })),
  scopes: Type.Optional(Type.Array(Type.String())),
  profile: Type.Optional(Profile),
});
export type SubmitBody = Static<typeof SubmitBody>;

export const CancelBody = Type.Object({
  reason: Type.Optional(Type.String({ maxLength: 10_000 })),
  children: Type.Optional(Type.Boolean()),
});

export const SteerBody = Type.Object({
  message: Type.String({ minLength: 1, maxLength: TEXT_CHARS_MAX }),
  mode: Type.Optional(Type.Union([Type.Literal("steer"), Type.Literal("follow_up")])),
});

export const AnswerBody = Type.Object({
  nodeId: Type.Optional(Type.String()),
  value: Type.Optional(Type.String({ maxLength: TEXT_CHARS_MAX })),
  confirmed: Type.Optional(Type.Boolean()),
  cancelled: Type.Optional(Type.Boolean()),
});

const ID_CHARS_MAX = 1_000;

export const RefBody = Type.Object({
  nodeId: Type.String({ minLength: 1, maxLength: ID_CHARS_MAX }),
  expected: Type.Optional(Type.Union([Type.String({ maxLength: ID_CHARS_MAX }), Type.Null()])),
});

export const ToolCallBody = Type.Object({
  params: Type.Optional(Type.Unknown()),
  toolCallId: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
});

export const AgentEventsBody = Type.Object({
  session: Type.String({ minLength: 1, maxLength: 200 }),
  events: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1, maxLength: 100 }),
      data: Type.Optional(Type.Unknown()),
      at: Type.Optional(Type.Number()),
    }),
    { maxItems: 1000 },
  ),
});
