// Replies of unusual shape, for tests: slow, long, empty, cut off, and calls that cannot succeed or never end.
import { script, use } from "../script.js";
import { outcome, signed } from "../words.js";

const SLOW_WORDS_MAX = 10_000;
const SLOW_PAUSE_MAX_MS = 60_000;
const LONG_CHARACTERS_MAX = 1_000_000;
const LOOP_CALLS_MAX = 500;

export const slow = script({
  prompts: ["slow: 20 words every 20 ms"],
  does: `streams that many words, one at a time (at most ${SLOW_WORDS_MAX}, ${SLOW_PAUSE_MAX_MS} ms apart)`,
  audience: "tests",
  when: /^slow: (\d+) words every (\d+) ms\.?$/i,
  play([, words = "", pause = ""]) {
    const count = Math.min(Number(words), SLOW_WORDS_MAX);
    const text = Array.from({ length: count }, (_, at) => `word${at + 1}`).join(" ");
    return { text, pauseMs: Math.min(Number(pause), SLOW_PAUSE_MAX_MS) };
  },
});

export const long = script({
  prompts: ["long: 50000 characters"],
  does: `a reply of exactly that length (at most ${LONG_CHARACTERS_MAX})`,
  audience: "tests",
  when: /^long: (\d+) characters\.?$/i,
  play([, characters = ""]) {
    const sentence =
      "The offline model repeats this sentence until the reply is as long as it was asked to be. ";
    const length = Math.min(Number(characters), LONG_CHARACTERS_MAX);
    return sentence.repeat(Math.ceil(length / sentence.length)).slice(0, length);
  },
});

export const badArguments = script({
  prompts: ["bad arguments"],
  does: "calls `bash` without its command and answers with the error",
  audience: "tests",
  when: /^bad arguments\.?$/i,
  *play() {
    return signed(outcome("`bash` without a command", yield* use("bash", { comand: "true" }), "answered"));
  },
});

export const unknownTool = script({
  prompts: ["unknown tool"],
  does: "calls `no_such_tool` and answers with the error",
  audience: "tests",
  when: /^unknown tool\.?$/i,
  *play() {
    return signed(outcome("`no_such_tool`", yield* use("no_such_tool", {}), "answered"));
  },
});

export const endless = script({
  prompts: ["endless tool loop"],
  does: `calls \`bash\` with \`true\` again and again, ${LOOP_CALLS_MAX} times at most`,
  audience: "tests",
  needs: ["bash"],
  when: /^endless tool loop\.?$/i,
  *play() {
    for (let call = 0; call < LOOP_CALLS_MAX; call += 1) yield* use("bash", { command: "true" });
    return signed(`The loop ended at its limit of ${LOOP_CALLS_MAX} calls.`);
  },
});

export const maxTokens = script({
  prompts: ["max tokens"],
  does: "a reply that is cut off, with `stop_reason` `max_tokens`",
  audience: "tests",
  when: /^max tokens\.?$/i,
  play: () => ({
    text: "This reply ends in the middle of its sentence because the limit of",
    stop: "max_tokens",
  }),
});

export const empty = script({
  prompts: ["empty"],
  does: "a message without any content",
  audience: "tests",
  when: /^empty\.?$/i,
  play: () => "",
});
