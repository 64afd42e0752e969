// The module that stands in the server for one that runs in a process: it looks the same, and passes on what it is asked.
import { type Context, Hono } from "hono";
import { AnsweredFailure } from "../answer.js";
import type { Connection } from "../body-limit.js";
import type { FleetClient, ServiceContext, ServiceModule } from "../types.js";
import { WINDOW_BYTES } from "./body.js";
import type { AskOptions } from "./exchange.js";
import { unpackFailure } from "./failure.js";
import { answerOf, requestHead } from "./heads.js";
import type { Description } from "./protocol.js";
import type { Sessions } from "./sessions.js";
import type { Supervisor } from "./supervisor.js";
import { registerForwarded } from "./tools.js";

/** The lines of a widget are left out when they take longer. */
const WIDGET_MS = 2_000;

export function createStandIn(
  description: Description,
  supervisor: Supervisor,
  sessions: Sessions,
): ServiceModule {
  const module: ServiceModule = { name: description.name, init };
  fill(module, description, supervisor, sessions);

  /** Always there, for it is what keeps the process alive; the module's own is called when it has one. */
  async function init(ctx: ServiceContext): Promise<void> {
    fill(module, await supervisor.init(ctx), supervisor, sessions);
  }
  return module;
}

/** What the module is like now: `init` may give it routes, a store or tools. */
function fill(
  module: ServiceModule,
  description: Description,
  supervisor: Supervisor,
  sessions: Sessions,
): void {
  const { routes, store, tools, hasBehaviors, hasWidget, ...plain } = description;
  const { init } = module;
  for (const field of Object.keys(module)) Reflect.deleteProperty(module, field);
  Object.assign(module, plain, {
    init,
    ...(routes ? { routes: forwardingRoutes(routes, supervisor) } : {}),
    ...(store ? { store: forwardingStore(store, supervisor) } : {}),
    ...(tools ? { registerTools: registerForwarded(tools, supervisor) } : {}),
    ...(hasBehaviors ? { registerBehaviors: sessions.register } : {}),
    ...(hasWidget ? { widget: forwardingWidget(supervisor) } : {}),
  } satisfies Partial<ServiceModule>);
}

/** One handler takes it all, and the real routes behind it are there to be read: which path is whose, and documented. */
function forwardingRoutes(
  { strict, list }: NonNullable<Description["routes"]>,
  supervisor: Supervisor,
): Hono {
  const routes = new Hono({ strict });
  routes.use("*", (c, _next) => forward(c, supervisor));
  for (const { method, path } of list) routes.on(method, path, (c) => c.notFound());
  return routes;
}

/**
 * The service's own wrapper has answered for whatever its handlers throw, so that its middleware ran around that; here a
 * failure only has to be told.
 */
async function forward(c: Context, supervisor: Supervisor): Promise<Response> {
  const request = c.req.raw;
  const connection: Connection | undefined = c.env;
  const { value, body } = await supervisor.call("request", requestHead(request), {
    body: bodyOf(request),
    signal: request.signal,
    onNews: (seconds) => connection?.timeout?.(request, Number(seconds)),
  });
  const answer = answerOf(value, body);
  if (value.failure) throw new AnsweredFailure(answer, unpackFailure(value.failure));
  return answer;
}

/** A small body goes in one piece, for a stream costs as much as all the rest of a request. */
function bodyOf(request: Request): AskOptions["body"] {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD") return null;
  const announced = headers.get("content-length");
  if (announced === null || Number(announced) > WINDOW_BYTES) return request.body;
  return Number(announced) === 0 ? null : request.bytes();
}

function forwardingStore(
  methods: NonNullable<Description["store"]>,
  supervisor: Supervisor,
): NonNullable<ServiceModule["store"]> {
  const store: NonNullable<ServiceModule["store"]> = {};
  for (const method of methods) {
    store[method] = () => supervisor.settleStore(method);
  }
  return store;
}

function forwardingWidget(supervisor: Supervisor): NonNullable<ServiceModule["widget"]> {
  return {
    async getLines(client: FleetClient) {
      const abandon = AbortSignal.timeout(WIDGET_MS);
      const { value } = await supervisor.call("widget", { baseUrl: client.getBaseUrl() }, { abandon });
      return value;
    },
  };
}
