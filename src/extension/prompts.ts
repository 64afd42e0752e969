// The real prompts in the place of the two marker lines with which reef starts pi.
import type { Profile } from "./handover.js";

/** What stands on pi's command line: a prompt given there could be taken for a path, and an empty one for none. */
export const SYSTEM_MARKER = "reef: system prompt follows";
export const APPEND_MARKER = "reef: appended prompt follows";

/** Keeps what pi adds by itself (skills, date, working directory). Undefined when there is no marker to replace. */
export function withPrompts(systemPrompt: string, profile: Profile): { systemPrompt: string } | undefined {
  const markers = `${SYSTEM_MARKER}\n\n${APPEND_MARKER}`;
  if (!systemPrompt.startsWith(markers)) return undefined;
  const appended = profile.appendSystemPrompt ? `\n\n${profile.appendSystemPrompt}` : "";
  return { systemPrompt: profile.systemPrompt + appended + systemPrompt.slice(markers.length) };
}
