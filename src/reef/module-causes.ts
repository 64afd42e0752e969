// Which node put a module live: what it does later by itself, from a timer say, is set down to that.
import type { TreeNode } from "../tree/node.js";
import type { Tree } from "../tree/tree.js";

const LIVE = new Set(["service_load", "service_reload", "service_deploy", "service_rollback"]);
const GONE = new Set(["service_unload", "service_removed"]);

/** Remembered while the server runs; a module loaded at start was put live by nobody. */
export function createModuleCauses<S>(tree: Tree<S>): (module: string | undefined) => string | undefined {
  const causes = new Map<string, string>();
  tree.subscribe((nodes) => {
    for (const node of nodes) note(causes, node);
  });
  return (module) => (module === undefined ? undefined : causes.get(module));
}

function note(causes: Map<string, string>, node: TreeNode): void {
  const name = node.meta?.name;
  if (node.role !== "event" || typeof name !== "string") return;
  if (LIVE.has(node.eventType ?? "")) causes.set(name, node.id);
  if (GONE.has(node.eventType ?? "")) causes.delete(name);
}
