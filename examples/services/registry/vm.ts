// What the registry says of a machine, and what a caller has to say of one.
import { items, LIMITS, number, object, oneOf, optional, type Read, text, unlessEmpty } from "#core/http.js";

export const ROLES = ["infra", "lieutenant", "worker", "golden", "custom"] as const;
export const STATUSES = ["running", "paused", "stopped"] as const;

export type Role = (typeof ROLES)[number];
export type Status = (typeof STATUSES)[number];

/** The reason of a stop that the next heartbeat takes back: an agent that has finished may be given more to do. */
export const FINISHED = "agent_end";

const PORT_MAX = 65_535;

const status = oneOf(STATUSES, (sent) => `invalid status: ${sent}`);
const services = items({
  name: text(LIMITS.nameCharsMax),
  port: number({ isInteger: true, min: 1, max: PORT_MAX }),
  protocol: optional(text(LIMITS.nameCharsMax)),
});

export const REGISTRATION = {
  id: text(LIMITS.nameCharsMax),
  name: text(LIMITS.nameCharsMax),
  role: oneOf(ROLES, (sent) => `invalid role: ${sent}`),
  status: optional(status, "running"),
  address: text(LIMITS.urlCharsMax),
  registeredBy: text(LIMITS.nameCharsMax),
  services: optional(services),
  metadata: optional(object()),
};

export const CHANGE = {
  name: unlessEmpty(text(LIMITS.nameCharsMax), "name cannot be empty"),
  status: optional(status),
  address: unlessEmpty(text(LIMITS.urlCharsMax), "address cannot be empty"),
  services: optional(services),
  metadata: optional(object()),
  statusReason: optional(text(LIMITS.textCharsMax)),
};

export type Registration = Omit<Read<typeof REGISTRATION>, "services" | "metadata"> &
  Partial<Pick<Read<typeof REGISTRATION>, "services" | "metadata">>;
export type Change = Partial<Read<typeof CHANGE>>;

export interface Vm extends Registration {
  /** ISO 8601, as `lastSeen`. */
  registeredAt: string;
  lastSeen: string;
  /** Not seen for more than five minutes. */
  stale: boolean;
  statusReason?: string;
}

/** Where a machine is reached that does not say so itself. */
export function addressOf(vmId: string): string {
  return `${vmId}.vm.vers.sh`;
}

export function isLive({ status, stale }: Pick<Vm, "status" | "stale">): boolean {
  return status === "running" && !stale;
}

/** Nobody takes over a live name; who holds it may renew it, and what is not live belongs to whoever comes. */
export function mayReplace(
  there: Pick<Vm, "status" | "stale" | "registeredBy">,
  { registeredBy, isUpsert }: { registeredBy: string; isUpsert: boolean },
): boolean {
  return !isLive(there) || (isUpsert && there.registeredBy === registeredBy);
}
