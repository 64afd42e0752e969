// Any tool by its name: what a test, or somebody who tries a tool that was just deployed, asks for.
import { type Call, script } from "../script.js";
import { list, outcome, signed } from "../words.js";

export const callTools = script({
  prompts: [
    'call reef_store_put {"key": "a", "value": 1}',
    "call reef_manifest",
    'call bash {"command": "true"}\nand call reef_manifest\ncall reef_task_list',
  ],
  does: "calls the tools with that JSON, each line in a message of its own, `and call` together with the line above",
  when: batchesOf,
  *play(batches) {
    if (typeof batches === "string") return signed(batches);
    const lines: string[] = [];
    for (const calls of batches) {
      const results = yield { calls };
      results.forEach((result, at) => {
        lines.push(outcome(`\`${calls[at]?.name}\``, result, "returned"));
      });
    }
    return lines.length === 1 ? lines.join() : list(lines);
  },
});

export const threeTools = script({
  prompts: ["Use three tools at once."],
  does: "calls `bash`, `reef_store_put` and `reef_manifest` in one message",
  needs: ["bash", "reef_store_put", "reef_manifest"],
  when: /^use three tools at once\.?$/i,
  *play() {
    const calls: Call[] = [
      { name: "bash", input: { command: "echo one" } },
      { name: "reef_store_put", input: { key: "offline/three-tools", value: "two" } },
      { name: "reef_manifest", input: {} },
    ];
    const results = yield { calls };
    return signed(list(results.map((result, at) => outcome(`\`${calls[at]?.name}\``, result, "answered"))));
  },
});

/** The calls of each message, or what is wrong with a line; undefined when some line is no call at all. */
function batchesOf(text: string): Call[][] | string | undefined {
  const batches: Call[][] = [];
  for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
    const [, together, name, json = "{}"] = /^(and )?call ([\w-]+)(?:\s+(.+))?$/i.exec(line.trim()) ?? [];
    if (!name) return undefined;
    const input = objectOf(json);
    if (!input) return `The arguments of \`${name}\` have to be a JSON object. Received: ${json}`;
    const open = together ? batches.at(-1) : undefined;
    if (open) open.push({ name, input });
    else batches.push([{ name, input }]);
  }
  return batches.length > 0 ? batches : undefined;
}

function objectOf(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    // The caller says what was expected, with the text that came.
    return undefined;
  }
}
