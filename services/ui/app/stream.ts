// Follows an event stream, and goes on exactly where it stopped: after errors, sleep and restarts of the server.
import { readFrames } from "./frames.js";
import type { Frame } from "./types.js";

const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 15_000;
/** A connection that held for so long was a good one: the next wait is short again. */
const GOOD_MS = 5_000;
/** A stream that says nothing for so long, not even a ping, is dead without knowing it. */
const SILENCE_MS = 45_000;

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  /** `retryAt` is in the past while a try is under way. */
  | { state: "lost"; retryAt: number };

export interface FollowOptions {
  /** Opens the stream after an id; undefined for what comes from now on. Rejects when it cannot be opened. */
  connect(after: number | undefined, signal: AbortSignal): Promise<Response>;
  since: number | undefined;
  frame(frame: Frame): void;
  state(connection: Connection): void;
  waitMinMs?: number;
  silenceMs?: number;
}

export interface Following {
  /** Tries again now, if the connection is lost. */
  retry(): void;
  /** Opens another connection in place of one that may be dead without knowing it. */
  renew(): void;
  /** Lets the connection go; `resume` goes on after the last id. */
  pause(): void;
  resume(): void;
}

export function follow(options: FollowOptions): Following {
  const { connect, frame, state, waitMinMs = WAIT_MIN_MS, silenceMs = SILENCE_MS } = options;
  let last = options.since;
  let waitMs = waitMinMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: AbortController | undefined;
  let isPaused = false;
  let isLive = false;

  async function open(): Promise<void> {
    const own = new AbortController();
    current = own;
    const startedAt = Date.now();
    try {
      const silence = setTimeout(() => own.abort(), silenceMs);
      const response = await connect(last, own.signal).finally(() => clearTimeout(silence));
      if (current !== own) return;
      tell({ state: "live" });
      await readFrames(response, silenceMs, heard);
    } catch (error) {
      // Whatever ended it, it is tried again; one that was let go is nobody's any more.
      if (!(error instanceof Error)) throw error;
    }
    own.abort();
    if (current !== own) return;
    if (isLive && Date.now() - startedAt > GOOD_MS) waitMs = waitMinMs;
    later();
  }

  function heard(one: Frame): void {
    if (one.seq !== undefined) {
      last = one.seq;
      waitMs = waitMinMs;
    }
    frame(one);
  }

  function tell(connection: Connection): void {
    isLive = connection.state === "live";
    state(connection);
  }

  function later(): void {
    const ms = waitMs * (0.75 + Math.random() / 2);
    waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
    tell({ state: "lost", retryAt: Date.now() + ms });
    timer = setTimeout(() => void open(), ms);
  }

  function stop(): void {
    clearTimeout(timer);
    const before = current;
    current = undefined;
    before?.abort();
  }

  function again(): void {
    stop();
    waitMs = waitMinMs;
    void open();
  }

  state({ state: "connecting" });
  void open();
  return {
    retry() {
      if (!isPaused && !isLive) again();
    },
    renew() {
      if (!isPaused) again();
    },
    pause() {
      isPaused = true;
      stop();
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      again();
    },
  };
}
