// What each method of MCP answers: one table, with the schema that a request of that method has to fit.
import {
  type AnySchema,
  getParseErrorMessage,
  type SchemaOutput,
  safeParse,
} from "@modelcontextprotocol/sdk/server/zod-compat.js";
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  type JSONRPCRequest,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerResult,
} from "@modelcontextprotocol/sdk/types.js";
import type { Call } from "./parts.js";
import { getPrompt, listPrompts } from "./prompts.js";
import { listResources, RESOURCE_TEMPLATES, readResource } from "./resources.js";
import { invalidParams, methodNotFound, rpcErrorOf } from "./rpc-error.js";
import { callTool, listTools } from "./tools.js";

/** Rejects with an RpcError. */
export async function answerRequest(request: JSONRPCRequest, call: Call): Promise<ServerResult> {
  const answer = METHODS.get(request.method);
  if (!answer) throw methodNotFound(request.method);
  try {
    return await answer(request, call);
  } catch (error) {
    throw rpcErrorOf(error, call.parts.context.log);
  }
}

type Method = (request: JSONRPCRequest, call: Call) => Promise<ServerResult>;

const METHODS: ReadonlyMap<string, Method> = new Map([
  ["tools/list", list(ListToolsRequestSchema, async (call) => ({ tools: listTools(call) }))],
  ["tools/call", method(CallToolRequestSchema, ({ params }, call) => callTool(params, call))],
  [
    "resources/list",
    list(ListResourcesRequestSchema, async ({ parts }) => ({ resources: await listResources(parts) })),
  ],
  [
    "resources/templates/list",
    list(ListResourceTemplatesRequestSchema, async () => ({ resourceTemplates: RESOURCE_TEMPLATES })),
  ],
  [
    "resources/read",
    method(ReadResourceRequestSchema, ({ params }, { parts }) => readResource(parts, params.uri)),
  ],
  [
    "prompts/list",
    list(ListPromptsRequestSchema, async ({ parts }) => ({ prompts: await listPrompts(parts.skills) })),
  ],
  [
    "prompts/get",
    method(GetPromptRequestSchema, ({ params }, { parts }) => getPrompt(parts.skills, params.name)),
  ],
]);

/** The SDK's own way to add a method takes a request that does not fit for a fault of the server. */
function method<S extends AnySchema>(
  schema: S,
  answer: (request: SchemaOutput<S>, call: Call) => Promise<ServerResult>,
): Method {
  return async (request, call) => {
    const parsed = safeParse(schema, request);
    if (!parsed.success) throw invalidParams(getParseErrorMessage(parsed.error));
    return answer(parsed.data, call);
  };
}

/** Lists come whole, so that every cursor is a foreign one. */
function list(schema: AnySchema, answer: (call: Call) => Promise<ServerResult>): Method {
  const whole = method(schema, (_request, call) => answer(call));
  return async (request, call) => {
    if (request.params?.cursor !== undefined) throw invalidParams("invalid cursor");
    return whole(request, call);
  };
}
