// From a request to the module that answers it, with the cause travelling along and every failure ending in an answer.
// The Request is handed on as it came.
import {
  discardBody,
  errorAnswer,
  internalError,
  isUnreadableFailure,
  notFound,
  sendable,
} from "./answer.js";
import { type Connection, type LimitedBody, limitBody, tooLarge } from "./body-limit.js";
import { currentCause } from "./cause.js";
import { ReefError } from "./errors.js";
import type { Admission, Arrival, Gate } from "./gate.js";
import type { KernelRoutes } from "./health.js";
import { modulePath, ownRoutes, publicRoutes } from "./mount.js";
import type { LiveModule, Registry } from "./registry.js";
import type { Caller, ServiceModule } from "./types.js";
import type { Visits } from "./visits.js";

/**
 * The node that a request has as its cause: what the header names, and for a task without one what its turn says.
 * Throws ReefError for an unknown node and for one that the caller may not name.
 */
export type ResolveCause = (
  header: string | null,
  caller: Caller,
  isRead: boolean,
) => string | null | Promise<string | null>;

/** With `as` the call comes from inside the server, by this caller. */
export type Dispatch = (
  request: Request,
  connection?: Connection,
  as?: Caller,
) => Response | Promise<Response>;

export interface DispatchOptions {
  registry: Pick<Registry, "live" | "rootMounted">;
  visits: Visits;
  gate: Gate;
  kernel: KernelRoutes;
  maxBodyBytes: number;
  resolveCause?: ResolveCause;
  /** Hears what went wrong in a module, or in the kernel when none is named. */
  failed(error: unknown, module?: ServiceModule): void;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const dispatcher = new Dispatcher(options);
  return (request, connection, as) =>
    dispatcher.answer({ request, path: pathOf(request.url), connection, as });
}

/** Gated before anything is looked up there, so that nobody without a token learns what exists. */
const GATED_FIRST = new Set(["reef", "mcp"]);

type Answer = Response | Promise<Response>;

class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #routes = new WeakMap<LiveModule, Routes>();

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  answer(arrival: Arrival): Answer {
    try {
      const answer = this.#route(arrival);
      return answer instanceof Promise ? answer.catch((error) => this.#thrown(error)) : answer;
    } catch (error) {
      return this.#thrown(error);
    }
  }

  #route(arrival: Arrival): Answer {
    const { registry, gate, kernel } = this.#options;
    const { request, path } = arrival;
    gate.checkHost(arrival);
    const segment = firstSegment(path);
    const page = isRead(request) && path.length <= segment.length + 2 ? kernel.get(segment) : undefined;
    if (page) return this.#gated(arrival, page, (caller) => page.answer(caller));
    const live = registry.live.get(segment);
    if (live?.handle && !live.module.mountAtRoot) return this.#visit(arrival, live);
    const root = registry.rootMounted.find((one) => this.#routesOf(one).own(request));
    if (root) return this.#visit(arrival, root);
    return this.#gated(arrival, { open: !GATED_FIRST.has(segment) }, notFound);
  }

  #gated(arrival: Arrival, admission: Admission, then: (caller: Caller) => Answer): Answer {
    const caller = this.#options.gate.admit(arrival, admission);
    return caller instanceof Response ? caller : then(caller);
  }

  #visit(arrival: Arrival, live: LiveModule): Answer {
    return this.#gated(arrival, this.#routesOf(live).admission(arrival.request), (caller) => {
      const body = limitBody(arrival, live.module.maxBodyBytes ?? this.#options.maxBodyBytes);
      const causeId = this.#causeOf(arrival, caller);
      const enter = (id: string | null) => this.#enter({ arrival, live, caller, body }, id);
      return causeId instanceof Promise ? causeId.then(enter) : enter(causeId);
    });
  }

  #causeOf({ request, as }: Arrival, caller: Caller): string | null | Promise<string | null> {
    const { resolveCause } = this.#options;
    const header = request.headers.get("x-reef-cause");
    if (header === null && as) return currentCause()?.causeId ?? null;
    if (header === null && caller.kind !== "task") return null;
    return resolveCause ? resolveCause(header, caller, isRead(request)) : header;
  }

  #enter(visit: Visit, causeId: string | null): Answer {
    const { arrival, live, caller } = visit;
    const address = () => arrival.connection?.requestIP?.(arrival.request)?.address;
    const purpose = { causeId, caller, address, descends: arrival.as !== undefined };
    return (
      this.#options.visits.begin(live.name, purpose, (version) => this.#run(visit, version)) ?? notFound()
    );
  }

  #run(visit: Visit, version: LiveModule): Answer {
    try {
      const answer = this.#handle(visit, version);
      if (!(answer instanceof Promise)) return this.#answered(answer, visit, version);
      return answer.then(
        (settled) => this.#answered(settled, visit, version),
        (error) => this.#thrown(error, version.module),
      );
    } catch (error) {
      return this.#thrown(error, version.module);
    }
  }

  #handle({ arrival, live, body }: Visit, version: LiveModule): Answer {
    if (!version.handle) return notFound();
    if (version !== live) {
      // It came while the request was held, and may be closed where the old one was open.
      const refusal = this.#options.gate.admit(arrival, this.#routesOf(version).admission(arrival.request));
      if (refusal instanceof Response) return refusal;
    }
    return version.handle(body?.request ?? arrival.request, body?.connection ?? arrival.connection);
  }

  #answered(answer: unknown, visit: Visit, version: LiveModule): Response {
    try {
      return this.#presentable(sendable(answer), visit, version);
    } catch (error) {
      return this.#thrown(error, version.module);
    }
  }

  #presentable(answer: Response, { body }: Visit, version: LiveModule): Response {
    if (body?.exceeded()) return errorAnswer(tooLarge(body.limit));
    if (!isUnreadableFailure(answer)) return answer;
    this.#options.failed(new Error(`answered ${answer.status} with a body that is not JSON`), version.module);
    void discardBody(answer);
    return internalError(answer.status);
  }

  #thrown(error: unknown, module?: ServiceModule): Response {
    if (error instanceof ReefError) return errorAnswer(error);
    this.#options.failed(error, module);
    return internalError();
  }

  /** What a version says about its routes, worked out at the first request to it. */
  #routesOf(version: LiveModule): Routes {
    const known = this.#routes.get(version);
    if (known) return known;
    const routes = readRoutes(version);
    this.#routes.set(version, routes);
    return routes;
  }
}

/** One request on its way through one module. */
interface Visit {
  readonly arrival: Arrival;
  readonly live: LiveModule;
  readonly caller: Caller;
  /** Set for a body whose length nobody announced. */
  readonly body: LimitedBody | undefined;
}

interface Routes {
  /** Whether the module has a route of its own for this. */
  own(request: Request): boolean;
  admission(request: Request): Admission;
}

function readRoutes({ module }: LiveModule): Routes {
  const own = ownRoutes(module);
  const isPublic = publicRoutes(module);
  const admission = { open: module.requiresAuth === false };
  const publicAdmission = { open: true, isPublic: true };
  return {
    own: (request) => own(request.method, modulePath(module, request)),
    admission: (request) =>
      isPublic?.(request.method, modulePath(module, request)) ? publicAdmission : admission,
  };
}

/** The raw path of an absolute URL, without the query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

function firstSegment(path: string): string {
  const end = path.indexOf("/", 1);
  return end === -1 ? path.slice(1) : path.slice(1, end);
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}
