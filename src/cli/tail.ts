// `reef tail`: what happens on the server, one line per event, for as long as one likes.
import { field, textField } from "./answers.js";
import { type Call, type Command, DONE } from "./command.js";
import { type Frame, followEvents } from "./events.js";
import type { Output } from "./terminal.js";
import { call, oneLine } from "./text.js";

const COLUMNS_DEFAULT = 160;

export const tail: Command = {
  name: "tail",
  about: "follow what happens, event by event",
  positionals: "",
  takes: [0, 0],
  options: {
    task: { type: "string", value: "<name,…>", about: "only of these tasks" },
    types: { type: "string", value: "<type,…>", about: "only these types of frames" },
    since: {
      type: "string",
      value: "<seq>",
      about: "begin after this seq (0 = everything); default: from now on",
    },
    live: { type: "boolean", about: "also what is not stored, such as every piece of a streamed text" },
    json: { type: "boolean", about: "print one JSON object per line" },
  },
  detail: "A connection that is lost is made again, and goes on exactly where it ended.",
  run,
};

async function run({ options, server, terminal }: Call): Promise<number> {
  const { out, err } = terminal;
  const stop = new AbortController();
  const offInterrupt = terminal.onInterrupt(() => stop.abort());
  const onLost = (reason: string) =>
    err.write(`${err.paint("dim", `connection lost (${reason}); connecting again`)}\n`);
  const asJson = options.flag("json");
  try {
    const since = options.integer("since") ?? (await server.api<{ seq: number }>("GET", "/reef/state")).seq;
    const follow = { path: pathOf(options), since, signal: stop.signal, onLost };
    for await (const frame of followEvents(server, follow)) {
      out.write(`${asJson ? JSON.stringify(frame) : frameLine(frame, out)}\n`);
    }
  } finally {
    offInterrupt();
  }
  return DONE;
}

/** Naming types asks for exactly these, stored or not. */
function pathOf(options: Call["options"]): string {
  const query = new URLSearchParams();
  const names = { taskId: options.text("task"), types: options.text("types") };
  for (const [name, value] of Object.entries(names)) if (value !== undefined) query.set(name, value);
  if (!options.flag("live") && names.types === undefined) query.set("live", "0");
  return `/reef/events?${query}`;
}

/** Pure: `12  14:03:22  math  tool_execution_start  bash(ls)`. */
export function frameLine(frame: Frame, out: Pick<Output, "paint" | "columns">): string {
  const seq = frame.seq === undefined ? "·" : String(frame.seq);
  const time =
    frame.timestamp === undefined ? "        " : new Date(frame.timestamp).toTimeString().slice(0, 8);
  const begin = `${seq.padStart(6)}  ${time}  ${(frame.taskId ?? "").padEnd(12)}  `;
  const room = (out.columns ?? COLUMNS_DEFAULT) - begin.length - frame.type.length - 2;
  return `${out.paint("dim", begin)}${out.paint("cyan", frame.type)}  ${oneLine(wordsOf(frame), Math.max(20, room))}`.trimEnd();
}

function wordsOf(frame: Frame): string {
  switch (frame.type) {
    case "message_end":
      return textField(frame.message, "content");
    case "message_update":
      return (
        textField(frame.assistantMessageEvent, "delta") || textField(frame.assistantMessageEvent, "type")
      );
    case "tool_execution_start":
      return call(String(frame.toolName), frame.args, 1000);
    case "tool_execution_end":
      return `${frame.isError ? "error: " : ""}${firstText(frame.result)}`;
    case "pending":
      return textField(frame.request, "title");
    default:
      return firstOf(frame, ["prompt", "summary", "error", "reason", "message", "content", "model"]);
  }
}

function firstText(result: unknown): string {
  const content = field(result, "content");
  return textField(Array.isArray(content) ? content[0] : undefined, "text");
}

function firstOf(frame: Frame, names: readonly string[]): string {
  for (const name of names) {
    const text = textField(frame, name);
    if (text !== "") return text;
  }
  return "";
}
