// pi's own seven tools as a task of reef's gets them: bash with a chosen environment, nothing read below /proc.
import {
  type AgentToolResult,
  createBashToolDefinition,
  createEditToolDefinition,
  createFindToolDefinition,
  createGrepToolDefinition,
  createLsToolDefinition,
  createReadToolDefinition,
  createWriteToolDefinition,
  type ExtensionAPI,
  type ToolDefinition,
} from "@mariozechner/pi-coding-agent";
import type { ToolResult } from "../core/types.js";
import { bashEnv } from "./bash.js";
import { procRefusal } from "./proc.js";

/** What makes of a run the result that pi keeps. */
type Settle = (
  toolCallId: string,
  run: () => Promise<ToolResult>,
  signal: AbortSignal | undefined,
) => Promise<AgentToolResult<unknown>>;

/** Registered for one session: `cwd` is the session's. Which of them are active stays as it was. */
export function replaceBuiltIns(pi: ExtensionAPI, cwd: string, settle: Settle): void {
  const spawnHook: NonNullable<Parameters<typeof createBashToolDefinition>[1]>["spawnHook"] = (context) => ({
    ...context,
    env: bashEnv(process.env),
  });
  replace(createBashToolDefinition(cwd, { spawnHook }));
  replace(createEditToolDefinition(cwd));
  replace(createWriteToolDefinition(cwd));
  replace(createReadToolDefinition(cwd), (params) => procRefusal(params.path, cwd));
  replace(createLsToolDefinition(cwd), (params) => procRefusal(params.path, cwd));
  replace(createGrepToolDefinition(cwd), (params) => procRefusal(params.path, cwd, { recursive: true }));
  replace(createFindToolDefinition(cwd), (params) => procRefusal(params.path, cwd, { recursive: true }));

  function replace<P extends object, D, S>(
    tool: ToolDefinition<P, D, S>,
    refusal?: (params: Parameters<typeof tool.execute>[1]) => string | undefined,
  ): void {
    const { name, label, description, promptSnippet, promptGuidelines, parameters, prepareArguments } = tool;
    pi.registerTool<P, unknown, unknown>({
      name,
      label,
      description,
      promptSnippet,
      promptGuidelines,
      parameters,
      prepareArguments,
      executionMode: tool.executionMode,
      execute: (toolCallId, params, signal, onUpdate, ctx) =>
        settle(
          toolCallId,
          async () => {
            const refused = refusal?.(params);
            if (refused) throw new Error(refused);
            return tool.execute(toolCallId, params, signal, onUpdate, ctx);
          },
          signal,
        ),
    });
  }
}
