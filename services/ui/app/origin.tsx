// What a conversation came from, where it was not a person: the call of another task, a job, an event.
import { lineOf } from "./feed-node.js";
import { Icon } from "./icons.tsx";
import { kindOf, wordOf } from "./kinds.js";
import { nodeLink } from "./route.js";
import type { TreeNode } from "./types.js";

export function Origin({ origin }: { origin: readonly TreeNode[] }) {
  if (origin.length === 0) return null;
  return (
    <ol class="origin" aria-label="What this came from">
      {origin.toReversed().map((node) => (
        <li key={node.id}>
          <a href={nodeLink(node.id)} title={wordOf(node)}>
            <Icon sign={kindOf(node)} /> {lineOf(node)}
          </a>
        </li>
      ))}
    </ol>
  );
}
