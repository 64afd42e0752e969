// A server with nothing but the given services, for their tests: its own data folder, no port, no tree.
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Hono } from "hono";
import { causeWith, runWithCause } from "./cause.js";
import { readConfig } from "./config.js";
import { messageOf } from "./errors.js";
import { isJsonType } from "./media-type.js";
import { createServer, type ReefServer } from "./server.js";
import type { ServiceContext, ServiceEventBus, ServiceModule, ToolResult } from "./types.js";

// biome-ignore lint/performance/noBarrelFile: of these files a service's tests may import this one only.
export { type QueryPlan, queryPlans, scansIn } from "./query-plans.js";

export interface HarnessOptions {
  /** In any order; a dynamic `import()` of a service is fine. */
  services: (ServiceModule | Promise<ServiceModule | { default: ServiceModule }>)[];
  authToken?: string;
  /** Is left as it is at the end, so that a second harness can go on from it. Default: a temporary folder. */
  dataDir?: string;
}

export interface RequestOptions {
  method?: string;
  /** Sent as JSON unless it is text or bytes. */
  body?: unknown;
  headers?: Record<string, string>;
  /** True sends the harness's own token. */
  auth?: boolean | string;
}

export interface TestHarness {
  app: Hono;
  ctx: ServiceContext;
  events: ServiceEventBus;
  authToken: string;
  dataDir: string;
  fetch(path: string, options?: RequestOptions): Promise<Response>;
  /** `data` is the text when the answer is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  json<T = any>(
    path: string,
    options?: RequestOptions,
  ): Promise<{ status: number; data: T; headers: Headers }>;
  /** Runs a tool as an agent would. Rejects for an unknown tool and for parameters that do not fit. */
  tool(name: string, params?: object): Promise<ToolResult>;
  /** Undoes the modules, removes the folders and restores the environment. May be called twice. */
  cleanup(): Promise<void>;
}

/** Rejects, naming the module, when one of them does not start. */
export async function createTestHarness(options: HarnessOptions): Promise<TestHarness> {
  const { authToken = "test-token" } = options;
  const modules = await Promise.all(options.services.map(moduleOf));
  const folder = await mkdtemp(join(tmpdir(), "reef-test-"));
  const dataDir = options.dataDir ? resolve(options.dataDir) : join(folder, "data");
  const servicesDir = join(folder, "services");
  for (const dir of [dataDir, servicesDir]) await mkdir(dir, { recursive: true });

  const environment = { VERS_AUTH_TOKEN: authToken, DATA_DIR: dataDir, SERVICES_DIR: servicesDir };
  const config = readConfig({ ...environment, REEF_LOG: "warn" });
  const restore = setEnvironment(environment);
  const server = await createServer({ modules, servicesDir, config });
  const cleanup = once(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
    restore();
  });

  const [failure] = server.failures;
  if (failure) {
    await cleanup();
    throw new Error(`${failure.name}: ${messageOf(failure.error)}`, { cause: failure.error });
  }
  const { app, ctx, events } = server;
  const fetch = async (path: string, request?: RequestOptions) =>
    app.fetch(requestOf(path, request, authToken));
  const json: TestHarness["json"] = async (path, request) => answerOf(await fetch(path, request));
  const tool = (name: string, params?: object) => runTool(server, name, params);
  return { app, ctx, events, authToken, dataDir, fetch, json, tool, cleanup };
}

async function moduleOf(service: HarnessOptions["services"][number]): Promise<ServiceModule> {
  const given = await service;
  return "default" in given ? given.default : given;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

function requestOf(path: string, options: RequestOptions = {}, authToken: string): Request {
  const { body, auth, method = body === undefined ? "GET" : "POST" } = options;
  const headers = new Headers(options.headers);
  const token = auth === true ? authToken : auth;
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (body === undefined || typeof body === "string" || isBytes(body)) {
    return new Request(`http://localhost${path}`, { method, headers, body });
  }
  if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  return new Request(`http://localhost${path}`, { method, headers, body: JSON.stringify(body) });
}

function isBytes(body: unknown): body is ArrayBuffer | Uint8Array<ArrayBuffer> | Blob {
  return body instanceof ArrayBuffer || body instanceof Uint8Array || body instanceof Blob;
}

async function answerOf(response: Response) {
  const text = await response.text();
  const isJson = isJsonType(response.headers.get("content-type"));
  return { status: response.status, data: isJson ? JSON.parse(text) : text, headers: response.headers };
}

function runTool(server: ReefServer, name: string, params?: object): Promise<ToolResult> {
  const agentName = "test-agent";
  return runWithCause(causeWith({ caller: { kind: "server", agentName } }), () =>
    server.runTool(name, {
      params,
      toolCallId: `call-${randomUUID()}`,
      signal: new AbortController().signal,
      ctx: { cwd: process.cwd(), agentName },
    }),
  );
}

type Environment = Record<string, string | undefined>;

/**
 * There is one environment in a process. While several harnesses are open the newest one's values stand; the first
 * values are back when the last one is cleaned up, in whatever order that happens.
 */
const layers: Environment[] = [];

function setEnvironment(environment: Environment): () => void {
  if (layers.length === 0) layers.push(pick(process.env, Object.keys(environment)));
  layers.push(environment);
  apply(environment);
  return () => {
    layers.splice(layers.indexOf(environment), 1);
    apply(layers.at(-1) ?? {});
    if (layers.length === 1) layers.pop();
  };
}

function apply(environment: Environment): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function pick(environment: Environment, names: string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}
