// Who asks, in the words of services: whom to name as the one who did something, and who may do what needs an operator.
import { ReefError } from "./errors.js";
import type { Caller } from "./types.js";

/** The agent that calls, else `dashboard` or `panel:<name>`, else nobody. */
export function actorOf({ agentName, kind, panel }: Caller): string | undefined {
  if (agentName) return agentName;
  if (kind === "session") return "dashboard";
  return kind === "panel" ? `panel:${panel}` : undefined;
}

/** Throws `forbidden` unless a person, the server token or a task with scope `admin` calls. */
export function requireOperator({ kind, scopes }: Caller): void {
  if (kind === "server" || kind === "session" || scopes?.includes("admin")) return;
  throw new ReefError("forbidden", 'Forbidden — scope "admin" is required');
}
