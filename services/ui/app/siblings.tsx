// Where a conversation goes on in several ways: which of them this is, and the way to the others.
import { useComputed } from "@preact/signals";
import { waysBeside } from "./branch.js";
import { open } from "./feed-state.js";
import { Icon } from "./icons.tsx";
import { branch } from "./state.js";
import type { TreeNode } from "./types.js";

export function Siblings({ node }: { node: TreeNode }) {
  const beside = useComputed(() => waysBeside(node, branch.nodes.value, branch.prompts.value));
  const ways = beside.value;
  const at = ways.findIndex(({ id }) => id === node.id);
  if (ways.length < 2 || at < 0) return null;
  const step = (by: number) => () => {
    const other = ways[(at + by + ways.length) % ways.length];
    if (other) open(other.id);
  };
  return (
    <span class="siblings">
      <button type="button" class="quiet small" aria-label="The branch before" onClick={step(-1)}>
        <Icon sign="back" />
      </button>
      {at + 1} / {ways.length}
      <button type="button" class="quiet small" aria-label="The next branch" onClick={step(1)}>
        <Icon sign="folded" />
      </button>
    </span>
  );
}
