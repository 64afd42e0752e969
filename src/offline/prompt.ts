// Pure: takes a user's text apart into what a script reads and the lines that change how the reply comes.
import { type Fault, faultOf } from "./faults.js";

export interface Prompt {
  /** What is left for a script. */
  text: string;
  faults: readonly Fault[];
  /** The text of `think:` lines. */
  thinking: string;
}

/** How the agent begins a request for a summary; the conversation that it quotes may hold lines of any kind. */
const SUMMARY_REQUEST = "<conversation>";

/** `fail: …` and `think: …` lines may stand above, below and between the lines of any prompt. */
export function readPrompt(text: string): Prompt {
  if (text.startsWith(SUMMARY_REQUEST)) return { text, faults: [], thinking: "" };
  const rest: string[] = [];
  const faults: Fault[] = [];
  const thoughts: string[] = [];
  let prompts = 0;
  for (const line of text.split("\n")) {
    const fault = faultOf(line.trim(), prompts);
    const thought = /^think: (.+)$/i.exec(line.trim())?.[1];
    if (fault) faults.push(fault);
    else if (thought) thoughts.push(thought);
    else {
      rest.push(line);
      if (line.trim() !== "") prompts += 1;
    }
  }
  return { text: rest.join("\n").trim(), faults, thinking: thoughts.join("\n") };
}
