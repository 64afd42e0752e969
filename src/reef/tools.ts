// The tools that every task has, whatever services are live. Their texts are for a model: plain and short.
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ApiError } from "../core/client.js";
import { routesOf } from "../core/module-routes.js";
import type { FleetClient, ServiceModule, ToolInfo, ToolResult } from "../core/types.js";
import type { TaskInfo } from "../tasks/status.js";
import type { TreeNode } from "../tree/node.js";
import { lineOf } from "./drawing.js";

const TEXT_CHARS_MAX = 8000;
const LISTED_TASKS_MAX = 50;
const LINE_CHARS = 160;
const WAIT_SECONDS = 60;
/** Of a failed deploy; what a deploy says is shorter. */
const DETAIL_CHARS_MAX = 6000;

export interface ToolParts {
  servicesDir: string;
  modules(): ServiceModule[];
  tools(): ToolInfo[];
  capabilities(): string[];
  now(): number;
}

type NamedTask = TaskInfo & { name: string; leafId: string };
type ReadTask = NamedTask & { nodes: TreeNode[] };

export function registerReefTools(parts: ToolParts): NonNullable<ServiceModule["registerTools"]> {
  return (pi, client) => {
    pi.registerTool({
      name: "reef_manifest",
      label: "Reef: manifest",
      description:
        "Lists this reef's live services with what each does, its tools and its number of routes, and the folder where services are written. Call it first when you need to know what the server can do.",
      promptSnippet: "See which services and tools this reef has",
      parameters: Type.Object({}),
      execute: async () => answer(client, ...manifest(parts)),
    });
    pi.registerTool({
      name: "reef_deploy",
      label: "Reef: deploy a service",
      description:
        "Puts a service that you wrote or changed in the services folder live: its index.ts is imported, its *.test.ts run, then it is loaded and asked. When any of it fails, what was live stays live, and you are told what to mend. Its routes and tools can be used right after, in this conversation too.",
      promptSnippet: "Test a service folder and put it live",
      parameters: Type.Object({
        name: Type.String({ description: "Name of the service's folder in the services folder" }),
      }),
      execute: async (_id, params) => deploy(client, params.name, parts),
    });
    pi.registerTool({
      name: "reef_task_list",
      label: "Reef: list tasks",
      description: "Lists the newest tasks of this reef, one line each: name, status, age and summary.",
      parameters: Type.Object({
        status: Type.Optional(
          Type.String({
            description: "Only these: queued, running, waiting, done, error, cancelled (comma-separated)",
          }),
        ),
      }),
      execute: async (_id, params) => listTasks(client, params.status, parts.now()),
    });
    pi.registerTool({
      name: "reef_task_read",
      label: "Reef: read a task",
      description:
        "Reads a task of this reef: status, cost, and the prompt and last reply of each turn; with full, every tool call and result too.",
      parameters: Type.Object({
        name: Type.String({ description: "Name of the task, as reef_task_list shows it" }),
        full: Type.Optional(Type.Boolean({ description: "Also the tool calls and their results" })),
      }),
      execute: async (_id, params) => readTask(client, params.name, params.full === true),
    });
    pi.registerTool({
      name: "reef_submit",
      label: "Reef: submit a task",
      description:
        "Gives a separate piece of work to another agent of this reef, which sees nothing of this conversation: write down all that it needs. Waits for its answer unless wait is false.",
      parameters: Type.Object({
        task: Type.String({ description: "The whole assignment" }),
        taskId: Type.Optional(
          Type.String({ description: "A name for it; a known one continues that conversation" }),
        ),
        model: Type.Optional(Type.String({ description: "provider/id" })),
        thinking: Type.Optional(Type.String({ description: "off, minimal, low, medium, high or xhigh" })),
        cwd: Type.Optional(Type.String({ description: "Absolute path of its working directory" })),
        timeoutSeconds: Type.Optional(Type.Number({ description: "Running time allowed to it" })),
        wait: Type.Optional(Type.Boolean({ description: "Wait for its answer (default true)" })),
      }),
      execute: async (_id, { wait, ...task }, signal) => submit(client, task, wait !== false, signal, parts),
    });
  };
}

function manifest(parts: ToolParts): [text: string, details: object] {
  const tools = parts.tools();
  const services = parts.modules().map((module) => ({
    name: module.name,
    description: module.description ?? "",
    tools: tools.filter((tool) => tool.service === module.name).map((tool) => tool.name),
    routes: routesOf(module).length,
  }));
  const capabilities = parts.capabilities();
  const lines = services.map(({ name, description, tools, routes }) => {
    const dash = description ? ` — ${description}` : "";
    const offered = tools.length > 0 ? ` [tools: ${tools.join(", ")}]` : "";
    return `/${name}${dash}${offered} [routes: ${routes}]`;
  });
  const text = [
    `services folder: ${parts.servicesDir}`,
    ...lines,
    `capabilities: ${capabilities.join(", ")}`,
  ].join("\n");
  return [text, { servicesDir: parts.servicesDir, services, capabilities }];
}

async function deploy(client: FleetClient, name: string, parts: ToolParts): Promise<Answer> {
  const before = new Set(parts.tools().map((tool) => tool.name));
  const again = `Mend the folder ${parts.servicesDir}/${name} and call reef_deploy again.`;
  try {
    const deployed = await client.api<Deploy>("POST", "/services/deploy", { name });
    const isNew = (tool: ToolInfo) => tool.service === deployed.name && !before.has(tool.name);
    const tools = parts.tools().filter(isNew);
    const news = tools.length === 0 ? [] : [`New tools: ${tools.map((tool) => tool.name).join(", ")}`];
    return answer(client, [deployedText(deployed), ...news].join("\n"), deployed);
  } catch (error) {
    const { answer: refused, status, message } = error as Partial<ApiError> & Error;
    if (Value.Check(Deploy, refused)) return { ...client.err(refusedText(refused, again)), details: refused };
    if (status === 404) return client.err(`The service "services" is not live. ${ASK_OPERATOR}`);
    return refusal(client, message, status === 403 ? ASK_OPERATOR : again);
  }
}

const ASK_OPERATOR = "Leave the folder as it is and say in your reply that it has to be deployed.";

/** As much of the answer as the texts are made of. */
const Deploy = Type.Object({
  name: Type.String(),
  steps: Type.Array(Type.Object({ step: Type.String(), detail: Type.Optional(Type.String()) })),
  previousHash: Type.Union([Type.String(), Type.Null()]),
  tests: Type.Optional(Type.Object({ passed: Type.Number(), failed: Type.Number() })),
});
type Deploy = Static<typeof Deploy>;

function deployedText({ name, tests, steps }: Deploy): string {
  const counts = tests ? `${tests.passed} passed, ${tests.failed} failed` : "no test files found";
  const live = steps.at(-1)?.detail ?? `live at /${name}`;
  return `Deployed ${name}: ${counts}. ${live.replace(/^l/, "L")}.`;
}

function refusedText({ steps, previousHash }: Deploy, next: string): string {
  const { step = "deploy", detail = "" } = steps.at(-1) ?? {};
  const still = previousHash === null ? [] : ["The previous version is still live."];
  return [`Not deployed: ${step} failed.`, detail.slice(0, DETAIL_CHARS_MAX), ...still, next].join("\n");
}

async function listTasks(client: FleetClient, status: string | undefined, now: number): Promise<Answer> {
  return guarded(client, "Use reef_task_list without a status.", async () => {
    const query = status === undefined ? "" : `&status=${encodeURIComponent(status)}`;
    const path = `/reef/tasks?order=newest&limit=${LISTED_TASKS_MAX}${query}`;
    const { tasks } = await client.api<{ tasks: NamedTask[] }>("GET", path);
    const lines = tasks.map((task) => {
      const summary = task.artifacts?.summary || task.trigger;
      return `${task.name}  ${task.status}  ${age(now - task.createdAt)}  ${oneLine(summary)}`;
    });
    return answer(client, lines.join("\n") || "No tasks.", { tasks });
  });
}

async function readTask(client: FleetClient, name: string, full: boolean): Promise<Answer> {
  const unknown = `Task "${name}" not found. Use reef_task_list.`;
  return guarded(client, unknown, async () => {
    const task = await client.api<ReadTask>("GET", `/reef/tasks/${encodeURIComponent(name)}`);
    const head = `${task.name}: ${task.status}, $${task.usage.cost.toFixed(4)}`;
    const own = task.nodes.filter((node) => node.taskId === task.name);
    const body = full ? own.map((node) => lineOf(node, TEXT_CHARS_MAX)) : turnsOf(own);
    return answer(client, [head, ...body].join("\n"), { task });
  });
}

/** The prompt and the last reply of each turn. */
function turnsOf(nodes: readonly TreeNode[]): string[] {
  const lines: string[] = [];
  let reply: TreeNode | undefined;
  const close = () => {
    if (reply) lines.push(lineOf(reply, TEXT_CHARS_MAX));
    reply = undefined;
  };
  for (const node of nodes) {
    if (node.role === "user") {
      close();
      lines.push(lineOf(node, TEXT_CHARS_MAX));
    }
    if (node.role === "assistant" && node.content) reply = node;
    if (node.eventType === "task_error") lines.push(lineOf(node, TEXT_CHARS_MAX));
  }
  close();
  return lines;
}

async function submit(
  client: FleetClient,
  task: Record<string, unknown>,
  wait: boolean,
  signal: AbortSignal | undefined,
  parts: ToolParts,
): Promise<Answer> {
  return guarded(client, "Mend the parameters and call reef_submit again.", async () => {
    const submitted = await client.api<{ id: string; status: string }>("POST", "/reef/submit", task);
    const path = `/reef/tasks/${encodeURIComponent(submitted.id)}`;
    if (!wait) {
      return answer(
        client,
        `Task ${submitted.id} ${submitted.status}. Read it with reef_task_read.`,
        submitted,
      );
    }
    const startedAt = parts.now();
    const cancel = () =>
      void client.api("POST", `${path}/cancel`, { reason: "the call was aborted" }).catch(ignoreOver);
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      const task = await whenOver(client, path, signal);
      if (!task) return client.err(`The call was aborted. Read task ${submitted.id} with reef_task_read.`);
      return outcome(client, task, (parts.now() - startedAt) / 1000);
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  });
}

/** A sub-task that ended by itself, whose caller was cancelled, or that goes down with reef is left as it is. */
function ignoreOver(error: unknown): void {
  const { status } = error as { status?: number };
  if (status !== 409 && status !== 503) throw error;
}

/** Undefined when nobody waits any more: from then on the calling task's slot is not to be given away. */
async function whenOver(
  client: FleetClient,
  path: string,
  signal: AbortSignal | undefined,
): Promise<ReadTask | undefined> {
  for (;;) {
    const task = await client.api<ReadTask>("GET", `${path}?wait=${WAIT_SECONDS}`);
    if (task.status === "done" || task.status === "error" || task.status === "cancelled") return task;
    if (signal?.aborted) return undefined;
  }
}

function outcome(client: FleetClient, task: ReadTask, seconds: number): Answer {
  const { nodes, ...info } = task;
  if (task.status === "done") {
    const reply = nodes.findLast((node) => node.role === "assistant" && node.taskId === task.name);
    const note = `(task ${task.name}, done, ${Math.round(seconds)} s, $${task.usage.cost.toFixed(4)})`;
    return answer(client, `${reply?.content ?? ""}\n${note}`.trim(), { task: info }, note);
  }
  const why =
    task.status === "cancelled" ? "was cancelled" : `failed: ${task.artifacts?.error ?? "unknown error"}`;
  return refusal(client, `Task ${task.name} ${why}`, "Read it with reef_task_read.");
}

type Answer = ToolResult & { details: object };

/** Cut to its limit; `keep` stands at the end whatever is cut before it. */
function answer(client: FleetClient, text: string, details: object, keep = ""): Answer {
  if (text.length <= TEXT_CHARS_MAX) return client.ok(text, details);
  const room = TEXT_CHARS_MAX - keep.length - 40;
  const note = `… (${text.length - keep.length - room} more characters)`;
  return client.ok([text.slice(0, room) + note, keep].filter(Boolean).join("\n"), details);
}

/** A refusal names what to do next; one that says so itself (404) is replaced by `hint`. */
async function guarded(client: FleetClient, hint: string, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const { status, message } = error as { status?: number; message: string };
    return status === 404 ? client.err(hint) : refusal(client, message, hint);
  }
}

/** What a provider or a service says of a failure can be of any length; the next step stands at the end. */
function refusal(client: FleetClient, why: string, hint: string): Answer {
  const room = TEXT_CHARS_MAX - hint.length - 60;
  const more = why.length - room;
  return client.err(`${more > 0 ? `${why.slice(0, room)}… (${more} more characters)` : why}. ${hint}`);
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= LINE_CHARS ? line : `${line.slice(0, LINE_CHARS - 1)}…`;
}
