// What a new user asks reef first: which services there are, and a task of a task.
import { type CallResult, script, use } from "../script.js";
import { outcome, signed } from "../words.js";

export const listServices = script({
  prompts: ["List the services and tell me what each does."],
  does: "calls `reef_manifest` and answers with each service and its description",
  needs: ["reef_manifest"],
  when: /^(?:list (?:all )?(?:the )?services\b|what services are there\b)/i,
  *play() {
    const manifest = yield* use("reef_manifest", {});
    return signed(manifest.isError ? outcome("`reef_manifest`", manifest) : described(manifest));
  },
});

export const subTask = script({
  prompts: ["Ask a sub-task: What is 2+2?"],
  does: "submits what follows with `reef_submit`, waits, and answers with the sub-task's reply",
  needs: ["reef_submit"],
  when: /^ask a sub-?task: ?([\s\S]+)$/i,
  *play([, task = ""]) {
    const result = yield* use("reef_submit", { task });
    return signed(outcome("The sub-task", result, "answered"));
  },
});

/** A line of the manifest: `/cron — Scheduled jobs [tools: a, b] [routes: 5]`. */
const SERVICE = /^\/(\S+)(?: — (.*?))??(?: \[tools: ([^\]]*)\])?(?: \[routes: \d+\])?$/;

function described(manifest: CallResult): string {
  const services = manifest.text.split("\n").flatMap((line) => {
    const [, name, description = "has no description", tools] = SERVICE.exec(line.trim()) ?? [];
    return name === undefined ? [] : [`- **${name}**: ${description}${tools ? ` (tools: ${tools})` : ""}`];
  });
  if (services.length === 0) return outcome("`reef_manifest`", manifest, "answered");
  const count = services.length === 1 ? "One service is" : `${services.length} services are`;
  return `${count} live on this reef, as \`reef_manifest\` says:\n\n${services.join("\n")}`;
}
