// How a task stands, in a word and a color.
import type { TaskStatus } from "./types.js";

export function Status({ status }: { status: TaskStatus }) {
  return <span class={`chip status-${status}`}>{status}</span>;
}
