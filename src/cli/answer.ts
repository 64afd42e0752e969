// `reef answer`: answers what a waiting task asks, or shows what it asks.
import type { TreeNode } from "../tree/node.js";
import { type Call, type Command, DONE, JSON_OPTION, UsageError, type Values } from "./command.js";
import type { Connection } from "./connection.js";
import type { Output } from "./terminal.js";
import { oneLine, plain } from "./text.js";

export const answer: Command = {
  name: "answer",
  about: "answer what a waiting task asks",
  positionals: "<name> [value]",
  takes: [1, 2],
  options: {
    yes: { type: "boolean", about: "confirm" },
    no: { type: "boolean", about: "do not confirm" },
    dismiss: { type: "boolean", about: "close the question without an answer" },
    node: { type: "string", value: "<nodeId>", about: "which question, when there are several" },
    json: JSON_OPTION,
  },
  detail: "Without a value, --yes, --no or --dismiss it shows the open questions of the task.",
  run,
};

async function run({ args, options, server, terminal: { out } }: Call): Promise<number> {
  const [name = "", value] = args;
  const given = answerOf(value, options);
  const nodeId = options.text("node");
  if (given === undefined) return await showQuestions(server, name, out, options.flag("json"));
  const result = await server.api("POST", `/reef/tasks/${encodeURIComponent(name)}/answer`, {
    nodeId,
    ...given,
  });
  out.write(options.flag("json") ? `${JSON.stringify(result)}\n` : `answered ${name}\n`);
  return DONE;
}

function answerOf(value: string | undefined, options: Values): Record<string, unknown> | undefined {
  const answers = [
    value === undefined ? undefined : { value },
    options.flag("yes") ? { confirmed: true } : undefined,
    options.flag("no") ? { confirmed: false } : undefined,
    options.flag("dismiss") ? { cancelled: true } : undefined,
  ].filter((one) => one !== undefined);
  if (answers.length > 1) throw new UsageError("give one of a value, --yes, --no and --dismiss");
  return answers[0];
}

async function showQuestions(
  server: Connection,
  name: string,
  out: Output,
  asJson: boolean,
): Promise<number> {
  const { pending } = await server.api<{ pending: TreeNode[] }>("GET", "/reef/pending");
  const mine = pending.filter(({ taskId }) => taskId === name);
  if (asJson) out.write(`${JSON.stringify({ pending: mine, count: mine.length }, null, 2)}\n`);
  else if (mine.length === 0) out.write(`${name} asks nothing\n`);
  else for (const node of mine) out.write(`${node.id}  ${oneLine(node.content, 200)}\n${choices(node)}`);
  return DONE;
}

function choices(node: TreeNode): string {
  const request = node.meta?.request;
  const options =
    typeof request === "object" && request !== null && "options" in request ? request.options : [];
  return Array.isArray(options) ? options.map((option) => `  - ${plain(String(option))}\n`).join("") : "";
}
