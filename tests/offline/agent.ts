// A minimal agent around the SDK's own client: sends, runs the calls of each reply, sends again, until a reply has none.
import { Anthropic } from "@anthropic-ai/sdk";

type Message = Anthropic.Messages.Message;
type Asked = Anthropic.Messages.MessageParam;
interface ToolAnswer {
  text: string;
  isError?: boolean;
}
export type Tools = Record<string, (input: Record<string, unknown>) => ToolAnswer | Promise<ToolAnswer>>;

export const MODEL = { model: "scripted", max_tokens: 1000 } as const;

export function clientOf(url: string): Anthropic {
  return new Anthropic({ apiKey: "secret-key", baseURL: url, maxRetries: 0 });
}

export function offered(names: readonly string[]): Anthropic.Messages.Tool[] {
  return names.map((name) => ({ name, input_schema: { type: "object" } }));
}

/** What `write` and `edit` hold, so that `reef_deploy` can tell a repaired service from a broken one. */
const files = new Map<string, string>();

function edit({ path, edits }: Record<string, unknown>): ToolAnswer {
  const before = files.get(String(path)) ?? "";
  const [change] = edits as { oldText: string; newText: string }[];
  files.set(String(path), before.replace(change?.oldText ?? "", change?.newText ?? ""));
  return { text: `Successfully replaced 1 block(s) in ${path}.` };
}

function deploy({ name }: Record<string, unknown>): ToolAnswer {
  const store = files.get(`/srv/services/${name}/store.ts`) ?? "";
  return store.includes("votes DESC")
    ? { text: `Deployed ${name}: 2 passed, 0 failed. Live at /${name} (2 routes).\nNew tools: ${name}_cast` }
    : {
        text: "Error: Not deployed: test failed.\n1 passed, 1 failed (1 files)\n(fail) the choice with the most votes comes first [1.20ms]",
        isError: true,
      };
}

/** Texts that reef's tools answer with (spec §12), and a real shell. */
export const tools: Tools = {
  bash: shell,
  reef_manifest: () => ({
    text: "services folder: /srv/services\n/cron — Scheduled jobs [tools: cron_add, cron_list] [routes: 5]\n/reef — Event tree, tasks [routes: 20]\n/quiet [routes: 1]\ncapabilities: event.trigger, hosting.web",
  }),
  reef_store_put: ({ key }) => ({ text: `Stored "${key}" (version 12).` }),
  reef_store_get: ({ key }) => ({
    text: key === "limits" ? '{"cpu":2}' : key === "the color" ? "blue" : `Key "${key}" not found.`,
  }),
  reef_submit: ({ task }) => ({ text: `Answer to ${task}\n(task task-1, done, 1 s, $0)` }),
  write: ({ path, content }) => {
    files.set(String(path), String(content));
    return { text: `Successfully wrote ${String(content).length} bytes to ${path}` };
  },
  edit,
  reef_deploy: deploy,
  votes_cast: () => ({ text: "tea: 1" }),
  polls_cast: () => ({ text: "tea: 1" }),
  reef_task_list: () => ({ text: "No tasks." }),
};

export interface Run {
  /** All model messages, in order. */
  replies: Message[];
  /** The text of the last one. */
  answer: string;
  /** The names of the calls of each message that made any. */
  calls: string[][];
  inputs: unknown[];
}

/** Asks and keeps the conversation, as a user who goes on talking. */
export class Agent {
  readonly messages: Asked[] = [];
  readonly #client: Anthropic;
  readonly #tools: Tools;
  readonly #more: object;

  constructor(url: string, use: Tools = tools, more: object = {}) {
    this.#client = clientOf(url);
    this.#tools = use;
    this.#more = more;
  }

  async ask(text: string): Promise<Run> {
    this.messages.push({ role: "user", content: text });
    const replies: Message[] = [];
    do {
      const reply = await this.#send();
      replies.push(reply);
      if (reply.content.length > 0) this.messages.push({ role: "assistant", content: reply.content });
      await this.#run(reply);
    } while (replies.at(-1)?.stop_reason === "tool_use");
    return runOf(replies);
  }

  #send(): Promise<Message> {
    const request = {
      ...MODEL,
      ...this.#more,
      messages: this.messages,
      tools: offered(Object.keys(this.#tools)),
    };
    return this.#client.messages.stream(request).finalMessage();
  }

  async #run({ content }: Message): Promise<void> {
    const results: Anthropic.Messages.ToolResultBlockParam[] = [];
    for (const block of content) {
      if (block.type !== "tool_use") continue;
      const tool =
        this.#tools[block.name] ?? (() => ({ text: `Tool ${block.name} not found`, isError: true }));
      const { text, isError = false } = await tool(block.input as Record<string, unknown>);
      results.push({ type: "tool_result", tool_use_id: block.id, content: text, is_error: isError });
    }
    if (results.length > 0) this.messages.push({ role: "user", content: results });
  }
}

function runOf(replies: Message[]): Run {
  const calls = replies.map(({ content }) => content.filter((block) => block.type === "tool_use"));
  return {
    replies,
    answer: textOf(replies.at(-1)),
    calls: calls.filter((blocks) => blocks.length > 0).map((blocks) => blocks.map(({ name }) => name)),
    inputs: calls.flat().map(({ input }) => input),
  };
}

export function textOf(message: Message | undefined): string {
  return (message?.content ?? []).map((block) => (block.type === "text" ? block.text : "")).join("");
}

async function shell({ command }: Record<string, unknown>): Promise<ToolAnswer> {
  if (typeof command !== "string")
    return { text: "command: must have required property command", isError: true };
  const child = Bun.spawn(["/bin/bash", "-c", command], { stdout: "pipe", stderr: "pipe", env: {} });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return code === 0
    ? { text: out || "(no output)" }
    : { text: `${out}${err}\n\nCommand exited with code ${code}`, isError: true };
}
