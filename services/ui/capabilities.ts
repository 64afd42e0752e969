// What a panel may do: a secret in its address stands for one person's session and one version of one service, and goes
// with either. No cookie is involved, for a panel's page has none.
import type { ServiceContext } from "#core/types.js";
import { randomToken, type Sessions } from "./sessions.js";

const PER_SESSION_MAX = 200;

export interface Capability {
  readonly secret: string;
  readonly service: string;
  /** Content hash of the version for which it was made; null for a service without a folder. */
  readonly version: string | null;
  readonly sessionKey: string;
  readonly ended: AbortSignal;
}

export interface Capabilities {
  grant(service: string, sessionKey: string): Capability;
  find(secret: string): Capability | undefined;
}

interface Granted extends Capability {
  readonly controller: AbortController;
}

export function createCapabilities(ctx: ServiceContext, sessions: Pick<Sessions, "onEnd">): Capabilities {
  const granted = new Map<string, Granted>();

  function revoke(fits: (one: Granted) => boolean): void {
    for (const one of granted.values()) {
      if (!fits(one)) continue;
      granted.delete(one.secret);
      one.controller.abort();
    }
  }

  const ofService = ({ name }: { name: string }) => revoke(({ service }) => service === name);
  ctx.events.on("module:updated", ofService);
  ctx.events.on("module:removed", ofService);
  sessions.onEnd((key) => revoke(({ sessionKey }) => sessionKey === key));
  ctx.onDispose("capabilities of panels", () => revoke(() => true));

  return {
    grant(service, sessionKey) {
      const own = [...granted.values()].filter((one) => one.sessionKey === sessionKey);
      const [oldest] = own;
      if (own.length >= PER_SESSION_MAX) revoke((one) => one === oldest);
      const controller = new AbortController();
      const version = ctx.registry.list().find(({ name }) => name === service)?.hash ?? null;
      const secret = randomToken();
      const one = { secret, service, version, sessionKey, controller, ended: controller.signal };
      granted.set(secret, one);
      return one;
    },
    find: (secret) => granted.get(secret),
  };
}
