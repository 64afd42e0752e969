// Pure: whether a prompt goes on with the conversation that it hangs under, or begins one of its own.
import type { Role } from "./types.js";

/** As its node says; where nobody said so, by what it hangs under: tasks of calls and of jobs begin afresh. */
export function goesOn(fresh: unknown, parent: Role | undefined): boolean {
  if (typeof fresh === "boolean") return !fresh;
  return parent === "assistant" || parent === "user" || parent === "tool_result";
}
