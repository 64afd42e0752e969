// The tool with which an agent brings its own machine in step with the SkillHub at once.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { messageOf } from "../core/errors.js";
import type { FleetClient, ToolResult } from "../core/types.js";
import type { Outcomes } from "./outcomes.js";
import type { Outcome } from "./skills-sync.js";

const TEXT_CHARS_MAX = 8_000;
const SUMMED = ["installed", "updated", "removed", "unchanged"] as const;

export interface SkillTool {
  client: FleetClient;
  outcomes: Outcomes;
  sync(): Promise<Outcome[] | undefined>;
}

export function registerSkillTool(pi: ExtensionAPI, { client, outcomes, sync }: SkillTool): void {
  pi.registerTool({
    name: "skillhub_sync",
    label: "SkillHub: sync",
    description:
      "Fetches the newest skills and extensions of the fleet onto this machine at once. It happens by itself within a minute; use it when you were told of a new skill, or one is missing.",
    parameters: { type: "object", properties: {} },
    async execute(toolCallId) {
      const result = await answer(client, sync);
      if (result.isError) outcomes.failed(toolCallId);
      return { content: result.content, details: result.details };
    },
  });
}

async function answer(client: FleetClient, sync: SkillTool["sync"]): Promise<ToolResult> {
  if (!client.getBaseUrl()) return client.noUrl();
  try {
    const outcomes = await sync();
    if (!outcomes) return client.err("the server has no SkillHub any more");
    return client.ok(textOf(outcomes).slice(0, TEXT_CHARS_MAX), detailsOf(outcomes));
  } catch (error) {
    return client.err(messageOf(error));
  }
}

/** `installed 1, updated 0, removed 0, unchanged 3`, and under it who they are. */
export function textOf(outcomes: readonly Outcome[]): string {
  const counts = SUMMED.map((state) => `${state} ${withState(outcomes, state).length}`).join(", ");
  const named = [...SUMMED, "left alone" as const].flatMap((state) => {
    const names = withState(outcomes, state).map(nameOf);
    return names.length > 0 ? [`${state}: ${names.join(", ")}`] : [];
  });
  const failed = withState(outcomes, "failed").map((one) => `failed: ${nameOf(one)}: ${one.reason}`);
  return [counts, ...failed, ...named].join("\n");
}

function detailsOf(outcomes: readonly Outcome[]): object {
  const itemsOf = (state: Outcome["state"]) =>
    withState(outcomes, state).map(({ type, name, reason }) => ({ type, name, ...(reason && { reason }) }));
  const summed = SUMMED.map((state) => [state, itemsOf(state)]);
  return { ...Object.fromEntries(summed), leftAlone: itemsOf("left alone"), failed: itemsOf("failed") };
}

function withState(outcomes: readonly Outcome[], state: Outcome["state"]): Outcome[] {
  return outcomes.filter((one) => one.state === state);
}

function nameOf({ type, name }: Outcome): string {
  return type === "skill" ? name : `${name} (extension)`;
}
