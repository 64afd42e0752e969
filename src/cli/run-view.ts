// Pure: the frames of one task → what somebody who watches it reads. The reply goes to stdout, all else to stderr.
import { field, listField, textField } from "./answers.js";
import type { Frame } from "./events.js";
import { createReplyFlow } from "./reply-flow.js";
import { spentIn, spentOf, spentText } from "./spent.js";
import type { Paint } from "./terminal.js";
import { call, duration, head, oneLine, plain } from "./text.js";

export interface RunView {
  /** What a frame adds. Frames of other tasks add nothing. */
  show(frame: Frame): Piece[];
  /** Set by the frame that ends the turn. */
  readonly end: RunEnd | undefined;
}

export type RunEnd = "done" | "error" | "cancelled";

export interface Piece {
  to: "out" | "err";
  text: string;
}

export interface RunViewOptions {
  name: string;
  /** Colours of stderr. */
  paint: Paint;
  columns: number;
  /** Prints replies as they are written. */
  streams: boolean;
}

const RESULT_LINES_MAX = 8;
const ENDS: Readonly<Record<string, RunEnd>> = {
  task_done: "done",
  task_error: "error",
  task_cancelled: "cancelled",
};

export function createRunView({ name, paint, columns, streams }: RunViewOptions): RunView {
  let end: RunEnd | undefined;
  let startedAt: number | undefined;
  let spent = spentOf({});
  const openCalls = new Map<string, string>();
  const reply = createReplyFlow({ streams });

  const printed = (text: string): Piece[] => (text === "" ? [] : [{ to: "out", text }]);
  const note = (line: string): Piece[] => [...printed(reply.close()), { to: "err", text: `${line}\n` }];

  function show(frame: Frame): Piece[] {
    if (frame.taskId !== name) return [];
    spent = spentIn(spent, frame);
    switch (frame.type) {
      case "run_started":
        return runStarted(frame);
      case "message_start":
        return printed(reply.begin());
      case "message_update":
        return printed(reply.update(frame.assistantMessageEvent));
      case "message_end":
        return printed(reply.end(textField(frame.message, "content")));
      case "tool_execution_start":
        return callStarted(frame);
      case "tool_execution_end":
        return callEnded(frame);
      case "pending":
        return note(question(frame, name, paint));
      default:
        return Object.hasOwn(ENDS, frame.type) ? ended(frame) : remark(frame);
    }
  }

  function runStarted(frame: Frame): Piece[] {
    startedAt ??= frame.timestamp;
    return Number(frame.attempt) > 1 ? note(paint("dim", `run ${frame.attempt} of this turn`)) : [];
  }

  function callStarted(frame: Frame): Piece[] {
    const toolName = String(frame.toolName);
    openCalls.set(String(frame.toolCallId), toolName);
    return note(`${paint("cyan", "▸")} ${call(toolName, frame.args, columns - 2)}`);
  }

  /** A result stands right under its call, or names it when several were open. */
  function callEnded(frame: Frame): Piece[] {
    const label = openCalls.size > 1 ? [`${openCalls.get(String(frame.toolCallId)) ?? "tool"}:`] : [];
    openCalls.delete(String(frame.toolCallId));
    const color = frame.isError ? "red" : "dim";
    const lines = head(resultText(frame.result), RESULT_LINES_MAX, columns - 2);
    return note([...label, ...lines].map((line) => `  ${paint(color, line)}`).join("\n"));
  }

  function ended(frame: Frame): Piece[] {
    end = ENDS[frame.type];
    const ms =
      startedAt === undefined || frame.timestamp === undefined ? undefined : frame.timestamp - startedAt;
    const took = ms === undefined ? "" : ` in ${duration(ms)}`;
    return note(`${verdict(frame, took, paint)} ${paint("dim", spentText(spent))}`);
  }

  function remark(frame: Frame): Piece[] {
    const said = remarkText(frame);
    return said === undefined ? [] : note(paint("dim", oneLine(said, columns)));
  }

  return {
    show,
    get end() {
      return end;
    },
  };
}

function resultText(result: unknown): string {
  const texts = listField(result, "content").map((block) =>
    field(block, "type") === "text" ? textField(block, "text") : `[${textField(block, "type")}]`,
  );
  return texts.join("\n");
}

/** What the agent asks, and the command that answers it. */
function question({ request, nodeId }: Frame, name: string, paint: Paint): string {
  const asked = ["title", "message"]
    .map((part) => plain(textField(request, part)))
    .filter((part) => part !== "");
  const options = listField(request, "options").map((one) => `  - ${oneLine(String(one), 200)}`);
  const how = field(request, "method") === "confirm" ? "--yes (or --no)" : '"<your answer>"';
  return [
    `${paint("yellow", "?")} ${paint("bold", asked.join("\n  "))}`,
    ...options,
    paint("yellow", `  answer with: reef answer ${name} ${how} --node ${nodeId}`),
  ].join("\n");
}

function verdict(frame: Frame, took: string, paint: Paint): string {
  switch (frame.type) {
    case "task_done":
      return paint("green", `done${took}`);
    case "task_error":
      return paint("red", `failed${took}: ${plain(String(frame.error))}`);
    default:
      return paint("red", `cancelled${took}${frame.reason ? `: ${plain(String(frame.reason))}` : ""}`);
  }
}

/** One line for what else happens in a turn; undefined for what needs no mention. */
function remarkText(frame: Frame): string | undefined {
  switch (frame.type) {
    case "answered":
      return `answered: ${frame.cancelled ? "cancelled" : String(frame.value ?? frame.confirmed ?? "")}`;
    case "task_steered":
      return `» ${frame.message}`;
    case "task_interrupted":
      return "interrupted by a restart of reef; the turn goes on";
    case "tools_changed":
      return `tools: ${frame.content}`;
    case "auto_retry_start":
      return `trying again (${frame.attempt} of ${frame.maxAttempts}): ${frame.errorMessage}`;
    case "compaction_start":
      return "the context is full; compacting it";
    case "extension_error":
      return `extension: ${frame.error}`;
    default:
      return typeof frame.source === "string" ? `${frame.source}: ${frame.content}` : undefined;
  }
}
