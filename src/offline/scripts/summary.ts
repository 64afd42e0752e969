// The agent's own request when its context is full: a summary of the conversation that it quotes.
import { script } from "../script.js";

/** Characters of the quoted conversation that the summary keeps, from its end. */
const KEPT_MAX = 2000;

export const summary = script({
  prompts: ["<conversation>…</conversation>"],
  does: "the request that the agent makes to compact its context: repeats the end of what it quotes",
  audience: "tests",
  when: /^<conversation>\s*([\s\S]*?)\s*<\/conversation>/,
  play: ([, conversation = ""]) =>
    `## Goal\nSummary by the offline model (scripted). The conversation ended so:\n\n${conversation.slice(-KEPT_MAX)}`,
});
