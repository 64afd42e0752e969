// What the model is told to remember goes into reef's store, and comes back from there in any later task.
import { script, use } from "../script.js";
import { outcome, signed } from "../words.js";

export const remember = script({
  prompts: ["Remember that the color is blue", 'remember limits = {"cpu": 2}'],
  does: "puts it into the store with `reef_store_put`, as JSON when it is JSON",
  needs: ["reef_store_put"],
  when: /^remember(?: that)? (.+?)(?: is | ?= ?)([\s\S]+?)\.?$/i,
  *play([, key = "", value = ""]) {
    const result = yield* use("reef_store_put", { key, value: jsonOr(value) });
    if (result.isError) return signed(outcome("`reef_store_put`", result));
    return signed(`I will remember that ${key} is ${value}. ${result.text}`);
  },
});

export const recall = script({
  prompts: ["What do you remember about the color?", "recall limits"],
  does: "reads it with `reef_store_get` and answers with the value",
  needs: ["reef_store_get"],
  when: /^(?:what do you remember about|recall) (.+?)[?.]?$/i,
  *play([, key = ""]) {
    const result = yield* use("reef_store_get", { key });
    if (result.isError) return signed(outcome("`reef_store_get`", result));
    const unknown = /^Key ".*" not found\.$/s.test(result.text);
    return signed(
      unknown
        ? `I remember nothing about ${key}. ${result.text}`
        : `I remember that ${key} is ${result.text}`,
    );
  },
});

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Most of what people ask to remember is plain text.
    return text;
  }
}
