// The box in which one writes, as other parts reach it.
import { cursor } from "./feed-state.js";
import { go } from "./route.js";

export const REPLY_ID = "reply";

export function focusReply(): void {
  document.getElementById(REPLY_ID)?.focus();
}

/** The box for a new task, wherever one was. */
export function beginTask(): void {
  cursor.value = undefined;
  go("#/feed?new");
  // It stands there when the address has changed.
  setTimeout(focusReply);
}
