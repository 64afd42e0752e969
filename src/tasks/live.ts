// Live frames of a run: what is shown as it happens and never stored. Deltas leave without known secrets.
import type { AgentEvent } from "../agent/protocol.js";

const UNKNOWN_BYTES_MAX = 64 * 1024;

/** Hides secrets in text that comes in pieces; a tail that may begin one is held back until it is decided. */
export interface StreamRedaction {
  push(delta: string): string;
  end(): string;
}

export interface LiveFrame {
  type: string;
  taskId: string;
  /** The `user` node of the turn, and its parent. */
  nodeId: string;
  parentId: string | null;
  [field: string]: unknown;
}

export interface LivePorts {
  send(frame: LiveFrame): void;
  redact<T>(value: T): T;
  redactStream(): StreamRedaction;
}

type Update = Extract<AgentEvent, { type: "message_update" }>["event"];

/** Returns what turns each event into the frames that listeners get; events that become nodes make none here. */
export function createLiveFrames(
  turn: { taskId: string; nodeId: string; parentId: string | null },
  ports: LivePorts,
): (event: AgentEvent) => void {
  const blocks = new Map<number, StreamRedaction>();
  const send = (type: string, fields: object) =>
    ports.send({ ...turn, ...ports.redact(fields), type } as LiveFrame);

  function update(event: Update): void {
    const { type, contentIndex } = event;
    if (type.endsWith("_delta") && event.delta !== undefined) {
      const stream = blocks.get(contentIndex) ?? ports.redactStream();
      blocks.set(contentIndex, stream);
      const delta = stream.push(event.delta);
      if (delta) sendUpdate({ ...event, delta });
      return;
    }
    if (type.endsWith("_end")) flush(type, contentIndex);
    sendUpdate(ports.redact(event));
  }

  function flush(type: string, contentIndex: number): void {
    const delta = blocks.get(contentIndex)?.end();
    blocks.delete(contentIndex);
    if (delta) sendUpdate({ type: type.replace(/_end$/, "_delta"), contentIndex, delta });
  }

  function sendUpdate(assistantMessageEvent: Update): void {
    ports.send({ ...turn, type: "message_update", assistantMessageEvent });
  }

  return (event) => {
    switch (event.type) {
      case "message_update":
        return update(event.event);
      case "message_end":
        return blocks.clear();
      case "tool_execution_start":
      case "tool_execution_end":
      case "settled":
        return;
      case "unknown":
        return JSON.stringify(event.data).length <= UNKNOWN_BYTES_MAX
          ? send(event.name, event.data)
          : undefined;
      case "extension_ui_request":
        return isQuestion(event.method) ? undefined : send(event.type, event);
      default:
        return send(event.type, event);
    }
  };
}

function isQuestion(method: string): boolean {
  return method === "select" || method === "confirm" || method === "input" || method === "editor";
}
