// One branch as a conversation: from the first prompt to the leaf, with what is being written now, and ways to go on.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import "./branch.css";
import { type Conversation, conversationOf, isOpen, leafOf, type Turn } from "./branch.js";
import { cursor, replyTo } from "./feed-state.js";
import { bill, firstLine, modelName } from "./format.js";
import { Icon } from "./icons.tsx";
import { LoneNode } from "./lone-node.tsx";
import { Origin } from "./origin.tsx";
import { Outgoings } from "./outgoing.tsx";
import { Reply } from "./reply.tsx";
import { go, viewLink } from "./route.js";
import { NO_USAGE, plus } from "./spend.js";
import { branch, tree } from "./state.js";
import { TaskControls } from "./task-controls.tsx";
import { TurnView } from "./turn-view.tsx";

/** Of a long conversation; the others are shown when one asks. */
const TURNS_SHOWN = 20;

export function BranchPane({ nodeId }: { nodeId: string }) {
  useEffect(() => {
    replyTo.value = undefined;
    void branch.show(nodeId).then(() => {
      const node = branch.nodes.value.find(({ id }) => id === nodeId);
      if (node && branch.nodeId.value === nodeId) void tree.showAround(node.seq);
    });
  }, [nodeId]);
  const conversation = useComputed(() => conversationOf(branch.nodes.value));
  // While one goes from one conversation to another the first stays; where none was shown, a strange one would flash up.
  const hasShown = useRef(false);
  hasShown.current ||= branch.holds(nodeId);
  if (branch.error.value !== undefined) return <Unreadable nodeId={nodeId} />;
  if (branch.nodeId.value === undefined || !hasShown.current) {
    return (
      <div class="empty" role="status">
        Loading the conversation…
      </div>
    );
  }
  return <Shown conversation={conversation.value} nodeId={branch.nodeId.value} />;
}

function Unreadable({ nodeId }: { nodeId: string }) {
  return (
    <div class="empty" role="alert">
      <p>This node could not be read: {branch.error.value}.</p>
      <button type="button" onClick={() => void branch.show(nodeId)}>
        Try again
      </button>{" "}
      <a href={viewLink("feed")}>Back to the feed</a>
    </div>
  );
}

interface ShownProps {
  conversation: Conversation;
  nodeId: string;
}

function Shown({ conversation: { origin, turns }, nodeId }: ShownProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const nodes = branch.nodes.value;
  const last = turns.at(-1);
  const ids = useComputed(() => new Set(branch.nodes.value.map(({ id }) => id)));
  const lone = last ? undefined : nodes.find(({ id }) => id === nodeId);
  useFollowedEnd(scroll);
  useSelectedInSight(scroll, nodeId, turns[0]?.user.id);
  return (
    <>
      <Head turns={turns} title={lone?.content} />
      <div class={branch.isLoading.value ? "branch-scroll loading" : "branch-scroll"} ref={scroll}>
        <Origin origin={origin} />
        {lone && <LoneNode node={lone} />}
        <Turns key={turns[0]?.user.id} turns={turns} nodeId={nodeId} />
        <Outgoings place={ids.value} />
      </div>
      <Reply
        parentId={replyTo.value ?? (last ? leafOf(last) : lone?.id)}
        isFork={replyTo.value !== undefined}
        turn={last}
      />
    </>
  );
}

function Turns({ turns, nodeId }: { turns: readonly Turn[]; nodeId: string }) {
  const isWhole = useSignal(false);
  const at = turns.findLastIndex(
    ({ user, items }) => user.id === nodeId || items.some(({ node }) => node.id === nodeId),
  );
  const from = isWhole.value
    ? 0
    : Math.max(0, Math.min(turns.length - TURNS_SHOWN, at < 0 ? turns.length : at));
  return (
    <>
      {from > 0 && (
        <p class="earlier">
          <button type="button" class="quiet" onClick={() => (isWhole.value = true)}>
            Show the {from} turns before
          </button>
        </p>
      )}
      {turns.slice(from).map((turn) => (
        <TurnView key={turn.user.id} turn={turn} selectedId={nodeId} />
      ))}
    </>
  );
}

function Head({ turns, title = "" }: { turns: readonly Turn[]; title?: string }) {
  const [first] = turns;
  const last = turns.at(-1);
  const total = turns.map(({ usage }) => usage).reduce((sum, usage) => plus(sum, usage), NO_USAGE);
  return (
    <header class="branch-head">
      <button type="button" class="quiet back" aria-label="Back to the feed" onClick={close}>
        <Icon sign="back" />
      </button>
      <div class="branch-title">
        <h2>{firstLine(first?.user.content ?? title)}</h2>
        <p class="muted">
          {[
            last?.user.taskId,
            turns.length > 1 && `${turns.length} turns`,
            total.totalTokens > 0 && bill(total),
            last?.model && modelName(last.model),
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      {last && isOpenOrOver(last) && <TaskControls turn={last} />}
    </header>
  );
}

function isOpenOrOver(turn: Turn): boolean {
  return isOpen(turn) || turn.end !== undefined;
}

function close(): void {
  cursor.value = undefined;
  go(viewLink("feed"));
}

/** The end stays in sight while one is there. */
function useFollowedEnd(scroll: { current: HTMLDivElement | null }): void {
  useEffect(() => {
    const element = scroll.current;
    if (!element) return;
    let isAtEnd = true;
    const look = () => {
      isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    };
    const follow = () => {
      if (isAtEnd) element.scrollTop = element.scrollHeight;
    };
    const resized = new ResizeObserver(follow);
    const watch = () => {
      resized.disconnect();
      resized.observe(element);
      for (const child of element.children) resized.observe(child);
      follow();
    };
    const changed = new MutationObserver(watch);
    changed.observe(element, { childList: true });
    watch();
    element.addEventListener("scroll", look);
    return () => {
      element.removeEventListener("scroll", look);
      resized.disconnect();
      changed.disconnect();
    };
  }, [scroll]);
}

/** When another node is selected, or another conversation is shown. */
function useSelectedInSight(
  scroll: { current: HTMLDivElement | null },
  nodeId: string,
  conversation: string | undefined,
): void {
  useLayoutEffect(() => {
    const place = scroll.current?.querySelector(`[data-node="${CSS.escape(nodeId)}"]`);
    if (place) place.scrollIntoView({ block: "nearest" });
    else if (scroll.current) scroll.current.scrollTop = scroll.current.scrollHeight;
  }, [nodeId, conversation, scroll]);
}
