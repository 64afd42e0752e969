// A stand-in for pi that misbehaves in one way, named by its first argument. It answers every command it knows.
import { appendFileSync, closeSync, writeSync } from "node:fs";

const [mode = "good"] = process.argv.slice(2);

interface Command {
  id?: string;
  type: string;
  message?: string;
  [field: string]: unknown;
}

const say = (line: unknown) => writeSync(1, `${JSON.stringify(line)}\n`);
const answer = (command: Command, data?: unknown) =>
  say({ id: command.id, type: "response", command: command.type, success: true, data });
const refuse = (command: Command, error: string) =>
  say({ id: command.id, type: "response", command: command.type, success: false, error });

let model = { provider: "fake", id: "one" };
let thinkingLevel = "medium";
const state = () => ({
  model,
  thinkingLevel,
  isStreaming: false,
  isCompacting: false,
  pendingMessageCount: 0,
});

/** What a prompt does in each mode; the others loop once. */
const prompts: Record<string, (command: Command) => void> = {
  dies: () => {
    process.stderr.write("the fake broke\n");
    process.exit(3);
  },
  killed: () => process.kill(process.pid, "SIGKILL"),
  floods: () => {
    const line = `${JSON.stringify({ type: "tool_execution_update", toolCallId: "t", toolName: "x", partialResult: "y".repeat(1000) })}\n`;
    for (;;) writeSync(1, line);
  },
  "floods-one-line": () => {
    const block = "x".repeat(65_536);
    for (;;) writeSync(1, block);
  },
  garbage: () => {
    for (let n = 0; n < 1000; n += 1) writeSync(1, `not json ${n}\n`);
  },
  deaf: () => closeSync(1),
  "says-much-and-exits": (command) => {
    answer(command);
    for (let n = 0; n < 2000; n += 1) say({ type: "turn_start" });
    process.exit(4);
  },
  hangs: (command) => {
    answer(command);
    say({ type: "agent_start" });
  },
  asks: (command) => {
    answer(command);
    say({ type: "agent_start" });
    say({ type: "extension_ui_request", id: "q1", method: "confirm", title: "Sure?" });
  },
};

const commands: Record<string, (command: Command) => void> = {
  get_state: (command) => answer(command, state()),
  switch_session: (command) => {
    if (mode === "refuses") refuse(command, "no such session");
    else answer(command, { cancelled: false });
  },
  set_model: (command) => {
    if (command.modelId === "unknown") return refuse(command, `Model not found: ${command.provider}/unknown`);
    model = { provider: String(command.provider), id: String(command.modelId) };
    answer(command, model);
  },
  set_thinking_level: (command) => {
    thinkingLevel = String(command.level);
    answer(command);
  },
  prompt: (command) => (prompts[mode] ?? loop)(command),
  abort: (command) => {
    if (mode !== "hangs") answer(command);
  },
  extension_ui_response: (command) => {
    if (process.env.FAKE_LOG) appendFileSync(process.env.FAKE_LOG, `${JSON.stringify(command)}\n`);
  },
};

function loop(command: Command): void {
  answer(command);
  say({ type: "agent_start" });
  say({ type: "message_end", message: { role: "user", content: command.message } });
  say({ type: "agent_end" });
}

if (process.env.FAKE_STARTS) appendFileSync(process.env.FAKE_STARTS, "started\n");
if (mode === "exits") process.exit(0);
if (mode === "fails") {
  process.stderr.write("Error: nothing works here\n");
  process.exit(3);
}
if (mode === "stubborn" || mode === "hangs") process.on("SIGTERM", () => undefined);
if (mode === "short-lived") setTimeout(() => process.exit(9), 150);

for await (const line of console) {
  if (mode === "silent") continue;
  const command: Command = JSON.parse(line);
  const known = commands[command.type];
  if (known) known(command);
  else
    say({
      type: "response",
      command: command.type,
      success: false,
      error: `Unknown command: ${command.type}`,
    });
}
// These outlive the end of their input, as a pi in the middle of something does.
if (["stubborn", "hangs", "silent"].includes(mode)) setInterval(() => undefined, 60_000);
