// Requests on the service's side of the socket: those that come to its routes, and those that it sends to the server.
import { AsyncLocalStorage } from "node:async_hooks";
import { errorAnswer, internalError, notFound, sendable } from "../answer.js";
import type { Connection } from "../body-limit.js";
import type { InsideFetch } from "../caller-client.js";
import { ReefError } from "../errors.js";
import { type ModuleHandle, mountRoutes } from "../mount.js";
import type { ServiceModule } from "../types.js";
import type { Reply } from "./exchange.js";
import { packFailure } from "./failure.js";
import type { ServerPeer } from "./guest.js";
import { answerHead, answerOf, requestHead, requestInit } from "./heads.js";
import type { Incoming } from "./peer.js";
import type { AnswerHead, RequestHead } from "./protocol.js";

/** What went wrong in the module in the course of one request. */
interface Mishap {
  failure?: { error: unknown };
}

export type Serve = (head: RequestHead, call: Incoming) => Promise<Reply<AnswerHead>>;

/** Answers as the server answers for a module in it, and says what failed, so that it is counted there. */
export function createServe(module: ServiceModule): Serve {
  const mishaps = new AsyncLocalStorage<Mishap>();
  const handle = mountRoutes(module, (error) => {
    const mishap = mishaps.getStore();
    if (mishap) mishap.failure = { error };
  });
  return async (head, call) => {
    const mishap: Mishap = {};
    const request = requestOf(head, call);
    const answer = await mishaps.run(mishap, () => answerTo(request, connectionOf(call), handle, mishap));
    const { failure } = mishap;
    return {
      value: { ...answerHead(answer), ...(failure ? { failure: packFailure(failure.error) } : {}) },
      body: answer.body,
    };
  };
}

/** A `Host` header that is no host makes a URL that cannot be parsed; the path is what counts. */
function requestOf(head: RequestHead, call: Incoming): Request {
  const url = URL.canParse(head.url) ? head.url : head.url.replace(/^(\w+:\/\/[^/]*)?/, "http://localhost");
  return new Request(url, requestInit(head, call.body(), call.signal));
}

async function answerTo(
  request: Request,
  connection: Connection,
  handle: ModuleHandle | null,
  mishap: Mishap,
): Promise<Response> {
  try {
    return handle ? sendable(await handle(request, connection)) : notFound();
  } catch (error) {
    if (error instanceof ReefError) return errorAnswer(error);
    mishap.failure = { error };
    return internalError();
  }
}

/** What a handler finds in `c.env`. The real connection is the server's. */
function connectionOf({ stamp, news }: Incoming): Connection {
  const { address } = stamp;
  return {
    timeout: (_request, seconds) => news(seconds),
    requestIP: () => (address === undefined ? null : { address }),
  };
}

/** The server, called as if from inside. */
export function createGuestFetch(server: ServerPeer): InsideFetch {
  return async (path, init, as) => {
    if (!path.startsWith("/")) throw new TypeError(`A path must start with "/". Received: "${path}"`);
    const request = new Request(`http://localhost${path}`, init);
    const head = { ...requestHead(request), url: path, as };
    const abandon = init.signal ?? undefined;
    const { value, body } = await server.call("fetch", head, { body: request.body, abandon });
    return answerOf(value, body);
  };
}
