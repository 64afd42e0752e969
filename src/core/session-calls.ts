// How behaviors call reef: never for long, and without filling the log when the server cannot do what they ask.
import type { FleetClient } from "./types.js";
import { within } from "./within.js";

const CALL_MS = 10_000;

/** Undefined for a call that failed, unless it is the session's first: that one rejects, and the kernel logs it. */
export type SessionCall = <T = unknown>(
  method: string,
  path: string,
  body?: unknown,
) => Promise<T | undefined>;

/** Undefined for work that failed, unless it is the session's first that did. */
export type SessionAttempt = <T>(work: () => Promise<T>) => Promise<T | undefined>;

interface SessionCallOptions {
  callMs?: number;
}

/** For the behaviors of one session. A call that takes longer than 10 s is given up and counts as failed. */
export function createSessionCall(client: FleetClient, options: SessionCallOptions = {}): SessionCall {
  const attempt = createSessionAttempt(options);
  return <T>(method: string, path: string, body?: unknown) =>
    attempt(() => client.api<T>(method, path, body));
}

/** The same for work that looks at what a call was answered, and may call again. */
export function createSessionAttempt({ callMs = CALL_MS }: SessionCallOptions = {}): SessionAttempt {
  let hasFailed = false;
  return async (work) => {
    try {
      return await within(callMs, work);
    } catch (error) {
      if (hasFailed) return undefined;
      hasFailed = true;
      throw error;
    }
  };
}
