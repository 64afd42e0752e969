// Follows the changes of the SkillHub: goes on where it was, and comes back whenever the connection ends.
import { setTimeout as sleep } from "node:timers/promises";
import { frames } from "./frames.js";
import type { HubRemote } from "./skills-remote.js";

const WAIT_MS_MIN = 500;
const WAIT_MS_MAX = 60_000;
/** The hub is heard of every 15 s; after that much silence nobody is there any more. */
const SILENCE_MS_MAX = 60_000;
/** A connection that held for so long is lost for another reason than the one before it. */
const HELD_MS = 15_000;

export interface FollowOptions {
  /** Something changed, or may have changed. */
  onChange(): void;
  /** Ends it. */
  signal: AbortSignal;
  waitMsMin?: number;
}

/** Resolves when `signal` aborts. */
export async function followChanges(remote: HubRemote, options: FollowOptions): Promise<void> {
  const { onChange, signal, waitMsMin = WAIT_MS_MIN } = options;
  let last: string | undefined;
  let waitMs = waitMsMin;

  async function listen(): Promise<void> {
    const connection = new AbortController();
    const openedAt = Date.now();
    const silence = watchSilence(() => connection.abort());
    try {
      const ended = AbortSignal.any([signal, connection.signal]);
      const response = await remote.stream(last, ended);
      if (!response.ok || !response.body) return await response.body?.cancel();
      // What changed before this stream began is not in it, unless it goes on from a change.
      if (last === undefined) onChange();
      for await (const frame of frames(new Response(response.body.pipeThrough(silence.heard())))) {
        // The hub says goodbye, which changes nothing.
        if ("reason" in frame) continue;
        waitMs = waitMsMin;
        if (typeof frame.id === "string") last = frame.id;
        onChange();
      }
    } finally {
      silence.end();
      if (Date.now() - openedAt > HELD_MS) waitMs = waitMsMin;
    }
  }

  while (!signal.aborted) {
    // Whatever ended it, there is only one thing to do about it.
    await listen().catch(() => undefined);
    const pauseMs = waitMs * (0.5 + Math.random() / 2);
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    waitMs = Math.min(2 * waitMs, WAIT_MS_MAX);
  }
}

function watchSilence(act: () => void): { heard(): TransformStream<Uint8Array, Uint8Array>; end(): void } {
  const timer = setTimeout(act, SILENCE_MS_MAX);
  timer.unref();
  return {
    heard: () =>
      new TransformStream({
        transform(chunk, controller) {
          timer.refresh();
          controller.enqueue(chunk);
        },
      }),
    end: () => clearTimeout(timer),
  };
}
