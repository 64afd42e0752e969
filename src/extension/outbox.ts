// Reports, sent in order and in batches, and kept while the server cannot be reached.

const QUEUED_EVENTS_MAX = 1_000;
const BATCH_EVENTS_MAX = 16;
const RETRY_MS = 5_000;
/** The server takes five minutes of silence for the end of a session. */
const SILENCE_MS = 60_000;
/** How long the end of a session may wait for its last report. */
const CLOSE_WAIT_MS = 1_000;

export interface Report {
  name: string;
  data: unknown;
  /** Epoch milliseconds. */
  at: number;
}

export interface Outbox {
  add(name: string, data: unknown): void;
  /** Sends what is waiting, for a second at most, and stops. */
  close(): Promise<void>;
}

/** `post` rejects with an error that has a `status` when the server refused, and without one when it was not reached. */
export function createOutbox(post: (events: Report[]) => Promise<unknown>, retryMs = RETRY_MS): Outbox {
  let queue: Report[] = [];
  let sending: Promise<void> | undefined;
  let isClosed = false;
  let sentAt = Date.now();
  const timer = setInterval(() => void send(), retryMs);
  timer.unref();

  function send(): Promise<void> {
    const isSilent = Date.now() - sentAt > SILENCE_MS;
    if (queue.length > 0 || isSilent) sending ??= drain().finally(() => (sending = undefined));
    return sending ?? Promise.resolve();
  }

  async function drain(): Promise<void> {
    do {
      const batch = queue.slice(0, BATCH_EVENTS_MAX);
      if (!(await delivered(batch))) return;
      sentAt = Date.now();
      queue = queue.filter((report) => !batch.includes(report));
    } while (queue.length > 0);
  }

  /** What the server refuses will not be taken a second time either; what did not reach it is tried again. */
  async function delivered(batch: Report[]): Promise<boolean> {
    try {
      await post(batch);
      return true;
    } catch (error) {
      const status = error instanceof Error && "status" in error ? Number(error.status) : 0;
      return status >= 400 && status < 500;
    }
  }

  return {
    add(name, data) {
      if (isClosed) return;
      queue.push({ name, data, at: Date.now() });
      if (queue.length > QUEUED_EVENTS_MAX) queue.shift();
      void send();
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      await Promise.race([send(), new Promise((resolve) => setTimeout(resolve, CLOSE_WAIT_MS).unref())]);
    },
  };
}
