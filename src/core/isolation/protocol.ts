// What the server and the process of a service say to each other: names, arguments and answers, types only.
import type { Config } from "../config.js";
import type { StagedCopy } from "../stage.js";
import type { Caller, RouteDocs } from "../types.js";
import type { Failure } from "./failure.js";

interface Call<Args, Value> {
  args: Args;
  value: Value;
}

/** What the server asks of the service. */
export type ServiceCalls = {
  import: Call<{ copy: StagedCopy; limitMs: number; config: Config }, Description>;
  /** Answers what the module is like now, for `init` may have given it routes. */
  init: Call<{ dir: string }, Description>;
  /** `failed`: this version never got to serve. */
  undo: Call<{ failed?: string }, void>;
  store: Call<{ method: "flush" | "close" }, void>;
  request: Call<RequestHead, AnswerHead>;
  event: Call<{ subscription: number; data?: unknown }, void>;
  tool: Call<ToolOrder, unknown>;
  widget: Call<{ baseUrl: string | null }, string[]>;
  /** The last of a session: answered when its handlers are done. */
  endSession: Call<SessionEvent, void>;
  /** Answers the bytes of memory that the process has. */
  ping: Call<null, number>;
};

/** What the server tells the service. */
export type ServiceHears = {
  session: SessionStart;
  sessionEvent: SessionEvent;
};

/** What the service asks of the server. */
export type ServerCalls = {
  fetch: Call<RequestHead & { as: Caller }, AnswerHead>;
  emit: Call<{ event: string; data?: unknown }, void>;
  record: Call<Record<string, unknown>, { nodeId: string; parentId: string; seq: number } | null>;
};

/** What the service tells the server. */
export type ServerHears = {
  log: { level: "debug" | "info" | "warn" | "error"; text: string };
  /** Something went wrong outside any call. */
  fault: Failure;
  subscribe: { subscription: number; event: string };
  unsubscribe: { subscription: number };
  /** A file that is put back when this version does not get to serve. */
  storage: { path: string };
  /** What the behaviors of one session listen to: first all that they do, then what else. */
  listens: { session: number; events: string[] };
};

export interface RequestHead {
  method: string;
  /** Whole for a request to a service, a path for one to the server. */
  url: string;
  headers: [name: string, value: string][];
}

export interface AnswerHead {
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  /** A handler failed, and this is what the client gets for it. */
  failure?: Failure;
}

/** A module, as far as JSON can say it. */
export interface Description {
  name: string;
  description?: string;
  mountAtRoot?: boolean;
  requiresAuth?: boolean;
  publicRoutes?: string[];
  panelUses?: string[];
  maxBodyBytes?: number;
  routeDocs?: Record<string, RouteDocs>;
  dependencies?: string[];
  capabilities?: string[];
  routes?: { strict: boolean; list: { method: string; path: string }[] };
  store?: ("flush" | "close")[];
  tools?: RecordedTools;
  hasBehaviors: boolean;
  hasWidget: boolean;
}

export interface RecordedTools {
  /** What was given to `registerTool`, functions left out. */
  definitions: { fields: Record<string, unknown>; isExecutable: boolean }[];
  /** What `registerTools` threw. */
  failure?: string;
}

export interface ToolOrder {
  /** Its place among those that were registered. */
  index: number;
  toolCallId: string;
  params: unknown;
  /** As `execute` gets it. */
  ctx: object;
  baseUrl: string | null;
}

export interface SessionStart {
  session: number;
  agent: { name: string; role: string; sessionId: string; vmId?: string; taskId?: string };
  baseUrl: string | null;
  caller: Caller;
}

export interface SessionEvent {
  session: number;
  event: string;
  payload?: unknown;
  /** On whose behalf the session's handlers act from now on. */
  causeId: string | null;
}
