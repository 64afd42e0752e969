// Skills as prompts: what an agent of reef reads before a piece of work, any MCP client can read too.
import type { GetPromptResult, Prompt } from "@modelcontextprotocol/sdk/types.js";
import { invalidParams } from "./rpc-error.js";
import type { Skills } from "./skills.js";

export async function listPrompts(skills: Skills): Promise<Prompt[]> {
  return (await skills.list()).map(({ name, description }) => ({ name, description }));
}

export async function getPrompt(skills: Skills, name: string): Promise<GetPromptResult> {
  const skill = (await skills.list()).find((one) => one.name === name);
  if (!skill) throw invalidParams(`Prompt "${name}" not found`);
  const { description, text } = skill;
  return { description, messages: [{ role: "user", content: { type: "text", text } }] };
}

/** Changes whenever the list of prompts does. */
export async function promptsVersion(skills: Skills): Promise<string> {
  return JSON.stringify(await listPrompts(skills));
}
