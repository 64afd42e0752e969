// One turn of a conversation: the prompt, what was thought, called and said, in order, and how it ended.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { failureOf, type Item, isOpen, nodesOf, type Turn, writingMs } from "./branch.js";
import { now } from "./clock.js";
import { replyTo } from "./feed-state.js";
import { bill, clock, duration, exact, modelName } from "./format.js";
import { Markdown } from "./markdown.tsx";
import { NodeBar } from "./node-bar.tsx";
import { Question } from "./question.tsx";
import { nodeLink } from "./route.js";
import { Siblings } from "./siblings.tsx";
import { usageOf } from "./spend.js";
import { ToolCall } from "./tool-call.tsx";
import type { TreeNode } from "./types.js";
import { Thought, WritingNow } from "./writing.tsx";

/** Of one turn; the others are shown when one asks. */
const ITEMS_SHOWN = 200;

export function TurnView({ turn, selectedId }: { turn: Turn; selectedId: string }) {
  const { user } = turn;
  return (
    <article class="turn" aria-label="Turn">
      <Place nodes={[user]} class="prompt" selectedId={selectedId}>
        <div class="prompt-text">{user.content}</div>
        <Foot node={user}>
          <Siblings node={user} />
        </Foot>
      </Place>
      <Items turn={turn} selectedId={selectedId} />
      {isOpen(turn) && <WritingNow promptId={user.id} />}
      <End turn={turn} selectedId={selectedId} />
    </article>
  );
}

function Items({ turn, selectedId }: { turn: Turn; selectedId: string }) {
  const { items } = turn;
  const isWhole = useSignal(false);
  const at = items.findIndex((item) => nodesOf(item).some(({ id }) => id === selectedId));
  const room = Math.max(0, items.length - ITEMS_SHOWN);
  const from = isWhole.value ? 0 : at < 0 ? room : Math.min(at, room);
  return (
    <>
      {from > 0 && (
        <button type="button" class="quiet" onClick={() => (isWhole.value = true)}>
          Show the {from} steps before
        </button>
      )}
      {items.slice(from).map((item, at) => (
        <Place
          key={item.node.id}
          nodes={nodesOf(item)}
          class={`item item-${item.kind}`}
          selectedId={selectedId}
        >
          <Thought seq={item.node.seq} />
          <ItemView item={item} tookMs={writingMs(turn, from + at)} />
        </Place>
      ))}
    </>
  );
}

interface PlaceProps {
  nodes: readonly TreeNode[];
  class: string;
  selectedId: string;
  children: ComponentChildren;
}

/** Where a node is shown, with what one may want to know of it when it is the selected one. */
function Place({ nodes, class: name, selectedId, children }: PlaceProps) {
  const selected = nodes.find(({ id }) => id === selectedId);
  return (
    <div class={selected ? `${name} selected` : name} data-node={selected?.id ?? nodes[0]?.id}>
      {children}
      {selected && <NodeBar key={selected.id} node={selected} hasReply={!hasFoot(selected)} />}
    </div>
  );
}

function hasFoot({ role }: TreeNode): boolean {
  return role === "user" || role === "assistant";
}

function ItemView({ item, tookMs }: { item: Item; tookMs: number }) {
  switch (item.kind) {
    case "reply":
      return (
        <>
          <Markdown text={item.node.content || "(an empty message)"} />
          <Foot node={item.node}>
            <Spent node={item.node} tookMs={tookMs} />
          </Foot>
        </>
      );
    case "call":
      return <ToolCall call={item.node} result={item.result} effects={item.effects} />;
    case "question":
      return <Question node={item.node} answer={item.answer} />;
    case "note":
      return (
        <p class="note">
          <span class="chip">{item.node.eventType ?? item.node.role}</span> {item.node.content}
        </p>
      );
  }
}

function Spent({ node, tookMs }: { node: TreeNode; tookMs: number }) {
  const usage = usageOf(node);
  if (!usage || usage.totalTokens === 0) return null;
  return (
    <span class="muted">
      {duration(tookMs)} · {bill(usage)}
    </span>
  );
}

function Foot({ node, children }: { node: TreeNode; children?: ComponentChildren }) {
  return (
    <div class="foot">
      {children}
      <a class="muted" href={nodeLink(node.id)} title={exact(node.timestamp)}>
        {clock(node.timestamp, now.value)}
      </a>
      <button type="button" class="quiet small" onClick={() => (replyTo.value = node.id)}>
        Reply here
      </button>
    </div>
  );
}

function End({ turn, selectedId }: { turn: Turn; selectedId: string }) {
  const { end, user, usage, model, startedAt } = turn;
  const failure = failureOf(turn);
  const took = duration((end?.timestamp ?? now.value) - (startedAt ?? user.timestamp));
  const state = startedAt === undefined ? "queued" : "running";
  const told = [
    isOpen(turn) ? `${state} for ${took}` : end && took,
    usage.totalTokens > 0 && bill(usage),
    model && modelName(model),
  ].filter(Boolean);
  return (
    <Place nodes={end ? [end] : []} class="turn-end" selectedId={selectedId}>
      {failure && (
        <p class={failure.word === "Failed" ? "failure" : "failure mild"} role="alert">
          {failure.word}
          {failure.reason && `: ${failure.reason}`}
        </p>
      )}
      {told.length > 0 && <p class="turn-sum muted">{told.join(" · ")}</p>}
    </Place>
  );
}
