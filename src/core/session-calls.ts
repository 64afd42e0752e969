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

/** For the behaviors of one session. A call that takes longer than 10 s is given up and counts as failed. */
export function createSessionCall(client: FleetClient, options: { callMs?: number } = {}): SessionCall {
  const { callMs = CALL_MS } = options;
  let hasFailed = false;
  return async <T>(method: string, path: string, body?: unknown) => {
    try {
      return await within(callMs, () => client.api<T>(method, path, body));
    } catch (error) {
      if (hasFailed) return undefined;
      hasFailed = true;
      throw error;
    }
  };
}
