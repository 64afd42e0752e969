// The selected node itself: what led to it, what it led to, its fields, and its id to take along.
import { useSignal } from "@preact/signals";
import { CopyButton } from "./copy.tsx";
import { lineOf } from "./feed-node.js";
import { replyTo } from "./feed-state.js";
import { exact, spend } from "./format.js";
import { Icon } from "./icons.tsx";
import { kindOf, wordOf } from "./kinds.js";
import { Loading } from "./loading.tsx";
import { Code } from "./markdown.tsx";
import { nodeLink } from "./route.js";
import type { TreeNode, Usage } from "./types.js";
import { useLoaded } from "./use-loaded.js";

type Shows = "why" | "effects" | "fields";

interface Why {
  chain: { node: TreeNode; via?: "parent" | "cause" }[];
}
interface Effects {
  effects: TreeNode[];
  nextCursor?: string;
  totals: { nodes: number; tasks: number; toolCalls: number; errors: number; usage: Usage };
}

interface NodeBarProps {
  node: TreeNode;
  /** What is open from the beginning. */
  shows?: Shows;
  /** False where there is another way to reply beside it. */
  hasReply?: boolean;
}

export function NodeBar({ node, shows, hasReply = true }: NodeBarProps) {
  const shown = useSignal<Shows | undefined>(shows);
  const path = `/reef/tree/${encodeURIComponent(node.id)}`;
  const button = (what: Shows, label: string) => (
    <button
      type="button"
      class="quiet small"
      aria-expanded={shown.value === what}
      onClick={() => (shown.value = shown.value === what ? undefined : what)}
    >
      {label}
    </button>
  );
  return (
    <section class="node-bar" aria-label="The selected node">
      <div class="node-line">
        <span class="muted" title={exact(node.timestamp)}>
          {wordOf(node)} #{node.seq}
        </span>
        {button("why", "Why")}
        {button("effects", "Effects")}
        {button("fields", "Fields")}
        {hasReply && (
          <button type="button" class="quiet small" onClick={() => (replyTo.value = node.id)}>
            Reply here
          </button>
        )}
        <span class="grow" />
        <CopyButton what="id" text={() => node.id} />
        <CopyButton what="link" text={() => `${location.origin}/ui/${nodeLink(node.id)}`} />
        <CopyButton what="text" class="wide-only" text={() => node.content} />
        <CopyButton what="curl" class="wide-only" text={() => `curl ${location.origin}${path}`} />
      </div>
      {shown.value === "why" && <WhyList path={`${path}/why`} />}
      {shown.value === "effects" && <EffectsList path={`${path}/effects?limit=100`} />}
      {shown.value === "fields" && <Code text={JSON.stringify(node, null, 2)} language="json" />}
    </section>
  );
}

function WhyList({ path }: { path: string }) {
  const loaded = useLoaded<Why>(path);
  return (
    <Loading of={loaded}>
      {({ chain }) => (
        <ol class="chain">
          {chain.map(({ node, via }) => (
            <li key={node.id}>
              <span class="muted">{VIA[via ?? "self"]}</span> <NodeLink node={node} />
            </li>
          ))}
        </ol>
      )}
    </Loading>
  );
}

const VIA = { self: "this", parent: "came from", cause: "was set up by" };

function EffectsList({ path }: { path: string }) {
  const loaded = useLoaded<Effects>(path);
  return (
    <Loading of={loaded}>
      {({ totals, effects, nextCursor }) => (
        <>
          <p class="muted">{totalsText(totals)}</p>
          <ol class="chain">
            {effects.map((node) => (
              <li key={node.id}>
                <NodeLink node={node} />
              </li>
            ))}
          </ol>
          {nextCursor && <p class="muted">The first {effects.length} are shown.</p>}
        </>
      )}
    </Loading>
  );
}

function totalsText({ nodes, tasks, toolCalls, errors, usage }: Effects["totals"]): string {
  if (nodes === 0) return "It led to nothing yet.";
  const counts = [
    [nodes, "node", "nodes"],
    [tasks, "task", "tasks"],
    [toolCalls, "tool call", "tool calls"],
    [errors, "failure", "failures"],
  ] as const;
  const told = counts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  return [...told, ...(usage.totalTokens > 0 ? [spend(usage)] : [])].join(", ");
}

function NodeLink({ node }: { node: TreeNode }) {
  return (
    <a href={nodeLink(node.id)} class={`node-link kind-${kindOf(node)}`}>
      <Icon sign={kindOf(node)} class="sign" /> <span class="aside">{wordOf(node)}</span> {lineOf(node)}
    </a>
  );
}
