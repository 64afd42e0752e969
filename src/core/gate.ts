// The checks that a request passes before anything of a module sees it: where it came from, who sent it, and whether
// they may.
import { unauthorized } from "./answer.js";
import { ANONYMOUS, type Identify, scopeFor } from "./auth.js";
import type { Connection } from "./body-limit.js";
import type { Config } from "./config.js";
import { ReefError } from "./errors.js";
import { checkOrigin, createHostCheck } from "./guard.js";
import type { Caller } from "./types.js";

/** A request as it came. */
export interface Arrival {
  request: Request;
  /** The raw path, from the first slash on, without the query. */
  path: string;
  connection: Connection | undefined;
  /** Given for a call from inside the server: who makes it, and needs no token. */
  as: Caller | undefined;
}

export interface Admission {
  /** No token needed. */
  open: boolean;
  /** One of the module's `publicRoutes`, which pages of an opaque origin may call too. */
  isPublic?: boolean;
}

export interface Gate {
  /** Throws `forbidden` for a foreign `Host`, whatever the path. */
  checkHost(arrival: Arrival): void;
  /** The caller, or the 401 to send. Throws `forbidden` for a foreign `Origin` and for a missing scope. */
  admit(arrival: Arrival, admission: Admission): Caller | Response;
}

export function createGate(config: Pick<Config, "token" | "allowedHosts">, identify: Identify): Gate {
  const needsChecks = config.token === undefined;
  const checkHost = createHostCheck(config.allowedHosts);
  return {
    checkHost({ request, as }) {
      if (needsChecks && !as) checkHost(request);
    },
    admit(arrival, { open, isPublic = false }) {
      const { request, as } = arrival;
      if (needsChecks && !as) checkOrigin(request, isPublic);
      const who = as ?? identify(request);
      if (typeof who === "string") return open ? ANONYMOUS : unauthorized(who);
      if (open) return who;
      if (who.kind === "anonymous") return unauthorized("missing");
      if (who.kind === "task") checkScope(who, arrival);
      return who;
    },
  };
}

function checkScope(caller: Caller, { request, path }: Arrival): void {
  const scope = scopeFor(request.method, path);
  if (scope === null || caller.scopes?.includes(scope)) return;
  throw new ReefError("forbidden", `Forbidden — scope "${scope}" is required`);
}
