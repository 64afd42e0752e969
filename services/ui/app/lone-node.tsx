// A node that is part of no conversation: an event of a service, a run of a job, the system prompt.
import { now } from "./clock.js";
import { clock, exact } from "./format.js";
import { Icon } from "./icons.tsx";
import { kindOf, wordOf } from "./kinds.js";
import { NodeBar } from "./node-bar.tsx";
import type { TreeNode } from "./types.js";

export function LoneNode({ node }: { node: TreeNode }) {
  return (
    <article class={`lone kind-${kindOf(node)}`} data-node={node.id}>
      <p class="lone-head">
        <Icon sign={kindOf(node)} class="sign" /> <strong>{wordOf(node)}</strong>
        {node.source && <span class="chip">{node.source}</span>}
        <time class="muted" title={exact(node.timestamp)}>
          {clock(node.timestamp, now.value)}
        </time>
      </p>
      <p class="lone-text">{node.content || node.eventType}</p>
      <NodeBar node={node} shows="effects" />
    </article>
  );
}
