// The messages sent to a turn while it runs: which of them pi has taken, and which have to be said again.
import type { AgentEvent } from "../agent/protocol.js";

export type SteerMode = "steer" | "follow_up";

export interface SteerMessage {
  nodeId: string;
  text: string;
  mode: SteerMode;
}

export interface Steering {
  add(message: SteerMessage): void;
  /** Nodes that the run began with: messages among them are heard already. */
  shown(nodeIds: readonly string[]): void;
  /** Those not handed to pi yet, oldest first; they count as handed over from now on. */
  takeWaiting(): SteerMessage[];
  /** pi did not take a message that was handed over: it is not waited for any more. */
  refused(message: SteerMessage): void;
  /** pi was prompted with this text: the next user message is that, not a steer. */
  prompted(): void;
  heard(event: AgentEvent): void;
  /** True while something was said to the turn that pi may not have heard; `newest` is the newest steer's node. */
  hasNews(newest: string | undefined): boolean;
  /**
   * When pi has nothing more to do: what to prompt it with so that every message is heard, else undefined. One
   * that still lies in pi's own queue is read at the start of the next loop, so it is only announced.
   */
  takeUnheard(): string | undefined;
}

const ANNOUNCEMENT = "A message came in while you were finishing. Answer it.";

export function createSteering(): Steering {
  const known = new Set<string>();
  let waiting: SteerMessage[] = [];
  let handedOver: SteerMessage[] = [];
  let prompts = 0;
  let queuedInPi: readonly string[] = [];

  function userMessage(text: string): void {
    if (prompts > 0) {
      prompts -= 1;
      return;
    }
    const index = handedOver.findIndex((message) => message.text === text);
    if (index >= 0) handedOver.splice(index, 1);
  }

  return {
    add(message) {
      if (!known.has(message.nodeId)) waiting.push(message);
      known.add(message.nodeId);
    },
    shown(nodeIds) {
      for (const id of nodeIds) known.add(id);
      waiting = waiting.filter((message) => !known.has(message.nodeId));
    },
    takeWaiting() {
      const taken = waiting;
      waiting = [];
      handedOver.push(...taken);
      return taken;
    },
    refused(message) {
      handedOver = handedOver.filter((other) => other !== message);
    },
    prompted() {
      prompts += 1;
    },
    heard(event) {
      if (event.type === "queue_update") queuedInPi = [...event.steering, ...event.followUp];
      if (event.type !== "message_end" || event.message.role !== "user") return;
      const { content } = event.message;
      userMessage(content.map((block) => (block.type === "text" ? block.text : "")).join(""));
    },
    hasNews: (newest) =>
      waiting.length + handedOver.length > 0 || (newest !== undefined && !known.has(newest)),
    takeUnheard() {
      const unheard = [...handedOver, ...waiting];
      waiting = [];
      const inQueue = unheard.filter((message) => queuedInPi.includes(message.text));
      const lost = unheard.filter((message) => !queuedInPi.includes(message.text));
      handedOver = inQueue;
      if (lost.length > 0) return lost.map((message) => message.text).join("\n\n");
      return inQueue.length > 0 ? ANNOUNCEMENT : undefined;
    },
  };
}
