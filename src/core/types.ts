// The contract between reef and its service modules: types only, each with its promises as prose.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import type { Hono } from "hono";
import type { Config } from "./config.js";

export type { Config };

/**
 * What `services/<name>/index.ts` exports by default. Importing that file must start nothing: work begins in
 * `init`, and everything that `ctx` starts there is undone with the version that started it.
 */
export interface ServiceModule {
  /** `^[a-z][a-z0-9-]{0,63}$`; also the first path segment of its routes. */
  name: string;
  /** One line, shown at start-up, in the manifest and to agents. */
  description?: string;
  /** Mounted at `/<name>`; the handlers see the path without that prefix. */
  routes?: Hono;
  /** The routes see the whole path instead, after every named module had its chance. Default false. */
  mountAtRoot?: boolean;
  /** False opens all routes to callers without a token. Default true. */
  requiresAuth?: boolean;
  /** `"METHOD /path"` (or `"ALL /path"`), relative to the mount: open although the rest is gated. */
  publicRoutes?: string[];
  /** What its panel may call beside its own routes: `"feed"` (GET only) or `"POST /feed/events"`. */
  panelUses?: string[];
  /** Request body limit in bytes, instead of the server's. */
  maxBodyBytes?: number;
  /** Flushed and then closed, both awaited, when the version is undone; flushed before a new version is imported. */
  store?: { flush?(): void | Promise<void>; close?(): void | Promise<void> };
  /** Called once per version, after its dependencies are live. A throw, a rejection or 30 s of silence undoes it. */
  init?(ctx: ServiceContext): void | Promise<void>;
  /** Called in the server, once per version, with a recorder: what it registers is offered to every agent. */
  registerTools?(pi: ExtensionAPI, client: FleetClient): void;
  /** Called in the server once per agent session. What a handler returns is ignored, what it throws is logged. */
  registerBehaviors?(pi: ExtensionAPI, client: FleetClient): void;
  /** Lines for the terminal of every agent. Left out for a while when it throws or takes over 2 s. */
  widget?: { getLines(client: FleetClient): Promise<string[]> };
  /** `"METHOD /path"`, relative to the mount. */
  routeDocs?: Record<string, RouteDocs>;
  /** Names of modules that have to be live first. */
  dependencies?: string[];
  /** What it provides, e.g. `"cron.schedule"`; shown in the manifest. */
  capabilities?: string[];
}

export interface RouteDocs {
  summary: string;
  detail?: string;
  params?: Record<string, ParamDoc>;
  query?: Record<string, ParamDoc>;
  body?: Record<string, ParamDoc>;
  response?: string;
}

export interface ParamDoc {
  type: string;
  required?: boolean;
  description: string;
}

/** What one version of a module is given. Everything started through it ends with that version. */
export interface ServiceContext {
  events: ServiceEventBus;
  /** Absolute: all service folders. */
  servicesDir: string;
  /** Absolute: this module's source folder (`import.meta.dir` is a staged copy). */
  dir: string;
  /** Absolute: where data belongs. */
  dataDir: string;
  name: string;
  config: Readonly<Config>;
  log: Log;
  /** The store of the live version of a module, at the time of the call. */
  getStore<T = unknown>(name: string): T | undefined;
  getModule(name: string): ServiceModule | undefined;
  getModules(): ServiceModule[];
  loadModule(dirName: string): Promise<ModuleChange>;
  unloadModule(name: string): Promise<void>;
  /** For the services manager. */
  registry: RegistryFace;
  /** Aborts when this version is undone. */
  signal: AbortSignal;
  onDispose(label: string, undo: () => void | Promise<void>): void;
  /** Returns its undo; a throw in `fn` is logged with the module's name. */
  setTimeout(fn: () => unknown, ms: number): () => void;
  setInterval(fn: () => unknown, ms: number): () => void;
  /** Where this machine reaches the server; `http://localhost` as long as no port is bound. */
  url(): string;
  /** This server, in process: bodies are streamed, the cause is kept. Acts as `server` unless told otherwise. */
  fetch(path: string, init?: RequestInit & { as?: Caller }): Promise<Response>;
  /** Appends an event node and resolves after its commit; null where no tree is mounted (the test harness). */
  record(event: Record<string, unknown>): Promise<{ nodeId: string; parentId: string; seq: number } | null>;
  withCause<T>(nodeId: string, fn: () => T): T;
  cause(): string | null;
  caller(): Caller;
}

export interface RegistryFace {
  list(): ModuleStatus[];
  problems(): ModuleProblem[];
  /** Of the live version; undefined for a module that is not live. */
  traffic(name: string): Readonly<Traffic> | undefined;
  /** Loads or replaces the module in a folder of the services folder. Ends a pin. */
  load(dirName: string, options?: LoadOptions): Promise<ModuleChange>;
  /** Replaces a live module by its name, whether or not its files changed. Ends a pin. */
  replace(name: string): Promise<ModuleChange>;
  /** Loads what is new, replaces what changed, removes what has no folder any more. Pinned versions stay. */
  reloadAll(options?: { force?: boolean }): Promise<{
    results: { name: string; action: ReloadAction }[];
    errors: { dir: string; error: string }[];
  }>;
  /** `force` unloads it although others depend on it; the module stays out over restarts until loaded by name. */
  unload(name: string, options?: { force?: boolean }): Promise<void>;
  /**
   * For who has taken a service folder away, or has put it back. One that is gone takes its module along (`force`: although
   * others depend on it) and all that is remembered of it; one that is there has no problem any more.
   */
  forget(dirName: string, options?: { force?: boolean }): Promise<void>;
  /** A copy of a service folder as it is now, its packages included: what is tested is then what is loaded. */
  stage(dirName: string): Promise<ServiceCopy>;
  /** Forgets a copy that was never given to `load`. */
  drop(copy: ServiceCopy): Promise<void>;
  /** Imports a copy in a child process and checks its shape. Rejects with the problem's text. */
  tryImport(copy: ServiceCopy): Promise<{ name: string }>;
  /** The same for a folder that is nobody's service yet. */
  tryFolder(path: string): Promise<{ name: string; hash: string }>;
  /** The content hash of any folder, as if it were a service's. */
  hashFolder(path: string): Promise<string>;
  /** Why no folder or module may have this name; undefined when one may. */
  nameProblem(name: string): string | undefined;
  /**
   * Calls `visit` with each file of a service folder as it is now, in byte order of the paths, and resolves to the content
   * hash. `not_found` when there is no such folder.
   */
  contents(dirName: string, visit: (file: ServiceFile, bytes: Uint8Array) => void): Promise<string>;
  /** Runs the tests of a copy in a child process. Null without a test file. */
  runTests(copy: ServiceCopy): Promise<TestReport | null>;
  /** The earlier deployed versions that `rollback` can make live again, newest first. */
  kept(dirName: string): string[];
  /**
   * Makes an earlier deployed version live (default: the one before the current) and pins it: it stays live as long as
   * the folder holds what was rolled back from. `not_found` for an unknown hash, `conflict` when there is no earlier one.
   */
  rollback(dirName: string, hash?: string): Promise<{ name: string; from: string | null; to: string }>;
}

/** Of one version, since it is live: requests, those that failed in the module, and faults outside of any request. */
export interface Traffic {
  requests: number;
  failures: number;
  faults: number;
}

export interface LoadOptions {
  /** Loads this copy instead of a fresh one. The registry owns it from then on, whether or not it loads. */
  copy?: ServiceCopy;
  /** Called when the version is up and no request has been let in. A rejection puts the old one back. */
  verify?: (version: TriedVersion) => void | Promise<void>;
  /** A deployment: the version that goes and the one that comes are kept for `rollback`, and `isolation` is recorded. */
  deploy?: { isolation: Isolation };
}

/** A version that is up and that no request from outside has reached. */
export interface TriedVersion {
  readonly module: ServiceModule;
  readonly hash: string | null;
  /** Asks it as a caller would whom the gate let through. `path` is the whole path, mount included. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface ServiceFile {
  /** Relative to the folder, with `/`. */
  path: string;
  mode: number;
}

/** A frozen version of a service folder. */
export interface ServiceCopy {
  /** Absolute: where the copy lies. */
  readonly dir: string;
  /** Content hash, `sha256:…`. */
  readonly hash: string;
  /** Relative paths of its files, in byte order. */
  readonly files: readonly string[];
}

export interface TestReport {
  passed: number;
  failed: number;
  /** Test files. */
  files: number;
  /** True when the run itself failed: a failing test, a file that does not load, a crash, a time-out. */
  isFailure: boolean;
  /** What the runner printed: the last 2000 characters. */
  output: string;
}

export interface ModuleChange {
  name: string;
  action: "added" | "updated";
}

/** Where a service runs: in the server, or in a process of its own. */
export type Isolation = "none" | "process";

export type ReloadAction = "added" | "updated" | "removed" | "unchanged";

/** One live module, as `GET /services` shows it. Times are ISO 8601 UTC. */
export interface ModuleStatus {
  name: string;
  description: string | null;
  hasRoutes: boolean;
  hasTools: boolean;
  hasBehaviors: boolean;
  hasWidget: boolean;
  mountAtRoot: boolean;
  dependencies: string[];
  /** Folder name under the services folder; null for a module given as an object. */
  dir: string | null;
  /** `sha256:…` of the folder's content; null without a folder. */
  hash: string | null;
  loadedAt: string;
  loadMs: number;
  isolation: Isolation;
  /** The hash of the folder's content that was rolled back from, while an earlier version is live in its place. */
  pinned?: string;
  lastError?: { at: string; message: string };
  holds: { kind: "timer" | "subscription" | "dispose" | "stream"; label: string; count: number }[];
}

export interface ModuleProblem {
  dir: string;
  name?: string;
  state: "failed" | "unmet" | "disabled" | "held";
  error?: string;
  missing?: string[];
}

/** Who sent a request. `session` and `panel` come only from the dashboard's in-process calls. */
export interface Caller {
  kind: "server" | "session" | "task" | "panel" | "anonymous";
  agentName?: string;
  agentRole?: string;
  vmId?: string;
  taskId?: string;
  /** The `user` node of the turn whose task token this is. */
  nodeId?: string;
  /** The cron job that acts with this caller's rights, when it is not the caller himself. */
  jobId?: string;
  scopes?: string[];
  panel?: string;
  /** True when no server token is configured. */
  dev?: boolean;
  address?: string;
}

export interface ServiceEventBus {
  /** Handlers run one after another, in order of registration. Returns its undo. */
  // biome-ignore lint/suspicious/noExplicitAny: payloads are a plugin's own, and the contract leaves them open.
  on(event: string, handler: (data: any) => unknown): () => void;
  /** Resolves when every handler has finished. A handler that fails is logged and never reaches the emitter. */
  emit(event: string, data?: unknown): Promise<void>;
  /** `emit`, not awaited. */
  fire(event: string, data?: unknown): void;
}

/** What tools, behaviors and widgets use to call reef, with the identity and rights of the agent they act for. */
export interface FleetClient {
  /**
   * JSON in, JSON out (a body of another type comes back as text). Anything but 2xx rejects with an Error
   * `<METHOD> <path> (<status>): <error>` that also has `status`, `code`, `error` and the whole `answer`.
   */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  getBaseUrl(): string | null;
  readonly agentName: string;
  readonly agentRole: string;
  readonly vmId?: string;
  readonly sessionId?: string;
  readonly taskId?: string;
  ok(text: string, details?: object): ToolResult & { details: object };
  err(text: string): ToolResult & { details: object };
  noUrl(): ToolResult & { details: object };
}

export type ToolContent = { type: "text"; text: string } | { type: "image"; data: string; mimeType: string };

export interface ToolResult {
  content: ToolContent[];
  details?: unknown;
  isError?: boolean;
  /** Ends the agent's loop after this batch of calls. */
  terminate?: boolean;
}

/** One tool as `GET /reef/tools` lists it. `parameters` is JSON Schema. */
export interface ToolInfo {
  name: string;
  label: string;
  description: string;
  parameters: Record<string, unknown>;
  promptSnippet?: string;
  promptGuidelines?: string[];
  executionMode?: "sequential" | "parallel";
  annotations?: Record<string, unknown>;
  service: string;
}

export type Log = Record<"debug" | "info" | "warn" | "error", (...args: unknown[]) => void>;
