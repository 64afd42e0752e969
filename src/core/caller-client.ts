// The client that the server gives to tools and widgets: in process, acting as whoever calls at that moment.

import { causeWith } from "./cause.js";
import { createClient, type Identity } from "./client.js";
import type { Caller, FleetClient } from "./types.js";

/** This server, called from inside by `as`, with the cause of the moment. */
export type InsideFetch = (path: string, init: RequestInit, as: Caller) => Promise<Response>;

/** `caller` is asked at each access; by default it is who is calling now. */
export function createCallerClient(options: {
  fetch: InsideFetch;
  baseUrl(): string;
  caller?: () => Caller;
  sessionId?: string;
}): FleetClient {
  const { fetch, baseUrl, caller = () => causeWith({}).caller } = options;
  const identity: Identity = {
    sessionId: options.sessionId,
    get agentName() {
      return caller().agentName ?? caller().kind;
    },
    get agentRole() {
      return caller().agentRole ?? "worker";
    },
    get vmId() {
      return caller().vmId;
    },
    get taskId() {
      return caller().taskId;
    },
  };
  return createClient(identity, { baseUrl, send: (path, init) => fetch(path, init, caller()) });
}
