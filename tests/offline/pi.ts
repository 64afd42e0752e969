// The real pi in RPC mode, pointed at an offline model, with retries that do not make a test wait.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PiEvent {
  type: string;
  [field: string]: unknown;
}

export interface Pi {
  /** Sends a prompt and resolves with all events until pi has nothing more to do. */
  ask(message: string): Promise<PiEvent[]>;
  send(command: { type: string; [field: string]: unknown }): void;
  /** Resolves with the first event from now on that fits. */
  seen(fits: (event: PiEvent) => boolean): Promise<PiEvent>;
  stop(): Promise<void>;
}

const CLI = join(import.meta.dir, "../../node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
const FLAGS =
  "--mode rpc --no-session --no-extensions --no-skills --no-prompt-templates --no-themes --no-context-files";

const SETTINGS = {
  retry: { baseDelayMs: 20, provider: { maxRetries: 0 } },
  compaction: { enabled: true, reserveTokens: 16384, keepRecentTokens: 20000 },
};

export async function startPi(url: string, { thinking = "off" } = {}): Promise<Pi> {
  const dir = await mkdtemp(join(tmpdir(), "offline-pi-"));
  await writeFile(join(dir, "models.json"), JSON.stringify(models(url)));
  await writeFile(join(dir, "settings.json"), JSON.stringify(SETTINGS));
  const child = spawn(dir, thinking);
  const listeners = new Set<(event: PiEvent) => void>();
  void lines(child.stdout, (line) => {
    const event = JSON.parse(line) as PiEvent;
    for (const listener of listeners) listener(event);
  });
  const send: Pi["send"] = (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    child.stdin.flush();
  };
  const seen: Pi["seen"] = (fits) => first(listeners, fits);
  return {
    send,
    seen,
    ask: (message) => conversation(message, { listeners, send, seen }),
    async stop() {
      child.stdin.end();
      await child.exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function models(url: string): object {
  const model = { id: "scripted", reasoning: true, input: ["text"], contextWindow: 200_000, maxTokens: 8192 };
  const offline = { baseUrl: url, api: "anthropic-messages", apiKey: "offline", models: [model] };
  return { providers: { offline } };
}

function spawn(dir: string, thinking: string) {
  const pi = [
    process.execPath,
    "--no-install",
    "--no-env-file",
    "--config=/dev/null",
    CLI,
    ...FLAGS.split(" "),
  ];
  return Bun.spawn({
    cmd: [...pi, "--model", "offline/scripted", "--thinking", thinking, "--system-prompt", "You are a test."],
    cwd: dir,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: dir,
      PI_CODING_AGENT_DIR: dir,
      PI_OFFLINE: "1",
      PI_TELEMETRY: "0",
    },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
}

type Listeners = Set<(event: PiEvent) => void>;

function first(listeners: Listeners, fits: (event: PiEvent) => boolean): Promise<PiEvent> {
  const { promise, resolve } = Promise.withResolvers<PiEvent>();
  listeners.add(function listener(event) {
    if (!fits(event)) return;
    listeners.delete(listener);
    resolve(event);
  });
  return promise;
}

async function conversation(
  message: string,
  { listeners, send, seen }: Pick<Pi, "send" | "seen"> & { listeners: Listeners },
): Promise<PiEvent[]> {
  const events: PiEvent[] = [];
  const collect = (event: PiEvent) => events.push(event);
  listeners.add(collect);
  const settled = seen(settles(events, send));
  send({ type: "prompt", message });
  await settled;
  listeners.delete(collect);
  return events;
}

/** What the loop said and did, as one word per message or tool result: for short assertions. */
export function texts(
  events: readonly PiEvent[],
  role: "assistant" | "toolResult" | "user" = "assistant",
): string[] {
  return ends(events, role).map((message) =>
    (message.content ?? []).map((block) => block.text ?? "").join(""),
  );
}

export interface PiMessage {
  role: string;
  content?: { type: string; text?: string; thinking?: string; thinkingSignature?: string; name?: string }[];
  stopReason?: string;
  errorMessage?: string;
  toolName?: string;
  isError?: boolean;
}

export function ends(events: readonly PiEvent[], role: PiMessage["role"]): PiMessage[] {
  const messages = events
    .filter(({ type }) => type === "message_end")
    .map(({ message }) => message as PiMessage);
  return messages.filter((message) => message.role === role);
}

/** `agent_end` is the end only when neither a retry nor a compaction follows it (pi spec §5). */
function settles(events: readonly PiEvent[], send: Pi["send"]): (event: PiEvent) => boolean {
  let asked = 0;
  let goesOn = false;
  return (event) => {
    if (event.type === "agent_end") {
      goesOn = false;
      asked = events.length;
      send({ type: "get_state", id: `settled-${asked}` });
    }
    if (event.type === "auto_retry_start" || event.type === "compaction_start") goesOn = true;
    if (event.type === "auto_retry_end" && event.success === false) return true;
    if (event.type === "compaction_end" && event.willRetry !== true) return true;
    return event.type === "response" && event.id === `settled-${asked}` && !goesOn;
  };
}

async function lines(stream: ReadableStream<Uint8Array>, each: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line !== "") each(line);
  }
}
