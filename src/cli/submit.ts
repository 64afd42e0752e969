// `reef submit`: hands a task to the server and shows its work until it ends.
import { resolve } from "node:path";
import { type Call, type Command, DONE, UsageError, type Values } from "./command.js";
import type { Connection } from "./connection.js";
import { CTRL_C, followTask } from "./follow.js";
import { type ReadTask, withoutNodes } from "./task.js";
import type { Terminal } from "./terminal.js";

interface Submitted {
  id: string;
  status: string;
  nodeId: string;
  seq: number;
}

export const submit: Command = {
  name: "submit",
  about: "give reef a task and watch it",
  positionals: "<task>",
  takes: [1, 1],
  options: {
    "task-id": {
      type: "string",
      value: "<name>",
      about: "name of the task; a known one that is over goes on",
    },
    parent: { type: "string", value: "<nodeId>", about: "continue from this node of the tree" },
    model: { type: "string", value: "<provider/id>", about: "model to use" },
    thinking: { type: "string", value: "<level>", about: "off, minimal, low, medium, high or xhigh" },
    cwd: { type: "string", value: "<folder>", about: "where the task works, on the server's machine" },
    priority: { type: "string", value: "<n>", about: "-10 to 10; higher starts first (--priority=-3)" },
    timeout: { type: "string", value: "<seconds>", about: "running time allowed" },
    "no-follow": { type: "boolean", about: "return as soon as the task is accepted" },
    json: { type: "boolean", about: "print the task as JSON when it is over (with --no-follow: the answer)" },
  },
  detail: `<task> is the text of the task; "-" reads it from stdin.
The reply goes to stdout, tool calls and cost go to stderr. ${CTRL_C}
Exits with 0 when the task is done, 1 when it failed or was cancelled.`,
  run,
};

async function run({ args, options, server, terminal }: Call): Promise<number> {
  const body = { task: await textOf(args[0] ?? "", terminal), ...settings(options) };
  const submitted = await server.api<Submitted>("POST", "/reef/submit", body);
  const { id, status, nodeId, seq } = submitted;
  const asJson = options.flag("json");
  if (options.flag("no-follow")) {
    terminal.out.write(asJson ? `${JSON.stringify(submitted)}\n` : `${id}\n`);
    return DONE;
  }
  terminal.err.write(`${terminal.err.paint("dim", `task ${id} is ${status} · node ${nodeId}`)}\n`);
  const code = await followTask({ server, terminal, name: id, since: seq, quiet: asJson });
  if (asJson) terminal.out.write(`${JSON.stringify(await outcome(server, id), null, 2)}\n`);
  return code;
}

async function textOf(given: string, terminal: Terminal): Promise<string> {
  const text = given === "-" ? await terminal.stdin() : given;
  if (text.trim() === "") throw new UsageError("the task is empty");
  return text;
}

function settings(options: Values): Record<string, unknown> {
  const cwd = options.text("cwd");
  return {
    taskId: options.text("task-id"),
    parentId: options.text("parent"),
    model: options.text("model"),
    thinking: options.text("thinking"),
    cwd: cwd === undefined ? undefined : resolve(cwd),
    priority: options.integer("priority"),
    timeoutSeconds: options.number("timeout"),
  };
}

async function outcome(server: Connection, name: string) {
  return withoutNodes(await server.api<ReadTask>("GET", `/reef/tasks/${encodeURIComponent(name)}`));
}
