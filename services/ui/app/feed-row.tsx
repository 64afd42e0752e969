// One node of the feed, in one line: its kind at a glance, what it says, how its turn stands, what it cost, its age.
import { now } from "./clock.js";
import type { FeedNode } from "./feed-node.js";
import { open, toggleFold, toggleUnrolled } from "./feed-state.js";
import { age, exact, spend } from "./format.js";
import { Icon } from "./icons.tsx";
import { type Kind, kindOf } from "./kinds.js";
import type { PlacedRow } from "./places.js";
import { rowPx } from "./row-size.js";
import type { Row, TurnSum } from "./rows.js";
import { Status } from "./status.tsx";

interface FeedRowProps {
  placed: PlacedRow;
  isSelected: boolean;
}

export function FeedRow({ placed: { row, topPx, isUnrolled }, isSelected }: FeedRowProps) {
  const { entry, id } = row;
  const kind: Kind = entry.node?.kind ?? kindOf(entry);
  return (
    <div
      id={rowId(id)}
      class={namesOf(row, kind, isSelected)}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-selected={isSelected}
      aria-expanded={row.hasChildren ? !row.isFolded : undefined}
      style={{ transform: `translateY(${topPx}px)`, "--depth": row.depth }}
      tabIndex={-1}
      onClick={() => open(id)}
      onKeyDown={(event) => event.key === "Enter" && open(id)}
    >
      <div class="row-line" style={{ height: `${rowPx.value}px` }}>
        <Twist row={row} />
        <button
          class="kind"
          type="button"
          tabIndex={-1}
          title={isUnrolled ? "Show one line" : "Show more of it here"}
          onClick={(event) => {
            event.stopPropagation();
            toggleUnrolled(id);
          }}
        >
          <Icon sign={kind} />
          <span class="word">{entry.node?.word ?? kind}</span>
        </button>
        <span class="line">{entry.line}</span>
        {row.hidden > 0 && <span class="chip">{row.hidden} inside</span>}
        {row.turn && <TurnStand turn={row.turn} />}
        {entry.node && <Age node={entry.node} />}
      </div>
      {isUnrolled && entry.node && <pre class="unrolled">{entry.node.text}</pre>}
    </div>
  );
}

export function rowId(id: string): string {
  return `row-${id}`;
}

function namesOf({ entry, isContext }: Row, kind: Kind, isSelected: boolean): string {
  const names = ["row", `kind-${kind}`];
  if (isSelected) names.push("selected");
  if (!entry.node || isContext) names.push("context");
  return names.join(" ");
}

function Twist({ row }: { row: Row }) {
  if (!row.hasChildren) return <span class="twist" />;
  return (
    <button
      class="twist"
      type="button"
      tabIndex={-1}
      aria-label={row.isFolded ? "Unfold" : "Fold"}
      onClick={(event) => {
        event.stopPropagation();
        toggleFold(row.id);
      }}
    >
      <Icon sign={row.isFolded ? "folded" : "unfolded"} />
    </button>
  );
}

/** That a turn ended well needs no word. */
function TurnStand({ turn: { status, usage } }: { turn: TurnSum }) {
  return (
    <>
      {status !== "done" && <Status status={status} />}
      {usage.totalTokens > 0 && <span class="cost">{spend(usage)}</span>}
    </>
  );
}

function Age({ node: { timestamp } }: { node: FeedNode }) {
  return (
    <time
      class="age"
      dateTime={new Date(timestamp).toISOString()}
      // Written when it is pointed at: rows come and go by the hundred as one scrolls.
      onMouseEnter={({ currentTarget }) => {
        currentTarget.title = exact(timestamp);
      }}
    >
      {age(timestamp, now.value)}
    </time>
  );
}
