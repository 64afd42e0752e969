// The fallback answer: what the offline model is, and which prompts it understands.
import { scripts } from "./scripts.js";
import { list, paragraphs } from "./words.js";

export function help(): string {
  const prompts = scripts
    .filter(({ audience }) => audience === "people")
    .map((script) => script.prompts[0] ?? "");
  return paragraphs(
    "This is reef's offline model (scripted). No language model is behind it: it follows a short script, with real tools and real results, and understands these prompts:",
    list(prompts),
    "For a real model, set a provider's key (such as `ANTHROPIC_API_KEY`) and start reef again.",
  );
}
