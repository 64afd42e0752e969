// The rows of the feed. Only those that one sees are in the page; what is beyond the window is fetched as one scrolls.
import { effect, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { FeedRow, rowId } from "./feed-row.tsx";
import { feedRows, filter, selectedRow, unrolled } from "./feed-state.js";
import { isEmpty } from "./filter.js";
import { indexAt, type Placed, placeRows } from "./places.js";
import { viewLink } from "./route.js";
import { rowPx } from "./row-size.js";
import { tree } from "./state.js";

/** Above and below what is seen, so that scrolling shows no holes. */
const MARGIN_PX = 600;
const NEAR_EDGE_PX = 1_200;
const AT_END_PX = 8;

type Box = { readonly current: HTMLDivElement | null };

export function FeedList() {
  const box = useRef<HTMLDivElement>(null);
  const seen = useSignal({ top: 0, height: 900 });
  const placed = useComputed(() => placeRows(feedRows.value, rowPx.value, unrolled.value));
  const { rows, heightPx } = placed.value;
  const readOn = useMemo(createReader, []);
  useMeasured(box, seen);
  useKeptPlace(box, placed.value, tree.follows.value);
  useEffect(() => {
    if (box.current) void readOn(box.current);
  }, [rows, readOn]);
  useRevealed(box, placed);

  function scrolled(): void {
    const element = box.current;
    if (!element) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = element;
    seen.value = { top, height };
    if (scrollHeight - top - height < AT_END_PX && tree.isAtEnd.value) void tree.followEnd();
    else tree.follows.value = false;
    void readOn(element);
  }

  const { top, height } = seen.value;
  const start = indexAt(rows, top - MARGIN_PX);
  const end = indexAt(rows, top + height + MARGIN_PX) + 1;
  const selected = selectedRow.value;
  const shown = rows.slice(start, end);
  const isInPage = shown.some(({ row }) => row.id === selected);
  return (
    <div class="feed-box">
      <Edges />
      <div
        class="feed-scroll"
        ref={box}
        onScroll={scrolled}
        role="tree"
        aria-label="Event tree"
        aria-activedescendant={selected !== undefined && isInPage ? rowId(selected) : undefined}
        tabIndex={0}
      >
        <div role="none" style={{ height: `${heightPx}px` }}>
          {shown.map((one) => (
            <FeedRow key={one.row.id} placed={one} isSelected={one.row.id === selected} />
          ))}
        </div>
      </div>
      {rows.length === 0 && <Nothing />}
      {tree.missed.value > 0 && (
        <button class="fresh" type="button" onClick={() => void tree.followEnd()}>
          {tree.missed.value} new
        </button>
      )}
    </div>
  );
}

/** Fetches what lies beyond an edge while that is near. Scrolling asks for it again and again; one thing is read at a time. */
function createReader(): (element: HTMLElement) => Promise<void> {
  let isReading = false;
  return async (element) => {
    if (isReading) return;
    isReading = true;
    for (let load = missing(element); load; load = missing(element)) {
      await load();
      // The rows have their places with the next picture.
      await new Promise(requestAnimationFrame);
      if (tree.error.value !== undefined) break;
    }
    isReading = false;
  };
}

function missing({ scrollTop, scrollHeight, clientHeight }: HTMLElement): (() => Promise<void>) | undefined {
  const isNearTop = scrollTop < NEAR_EDGE_PX;
  const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_EDGE_PX;
  if (isNearTop && tree.hasOlder.value && isEmpty(filter.value)) return () => tree.loadOlder();
  return isNearEnd && !tree.isAtEnd.value ? () => tree.loadNewer() : undefined;
}

/** What a filter has looked at, and why no more can be shown. */
function Edges() {
  tree.version.value;
  const isFiltered = !isEmpty(filter.value);
  if (tree.error.value !== undefined) {
    return (
      <p class="edge bad" role="alert">
        More could not be read: {tree.error.value}.{" "}
        <button type="button" class="small" onClick={() => void tree.loadOlder()}>
          Try again
        </button>
      </p>
    );
  }
  if (!isFiltered || !tree.hasOlder.value) return null;
  return (
    <p class="edge muted">
      Looked at {tree.forest.size} nodes.{" "}
      <button type="button" class="small" onClick={() => void tree.loadOlder()}>
        Look further back
      </button>{" "}
      <a href={viewLink("search")}>Search all</a>
    </p>
  );
}

function Nothing() {
  return (
    <p class="empty over" role="status">
      {isEmpty(filter.value) ? "Nothing happened yet." : "Nothing here fits the filter."}
    </p>
  );
}

function useMeasured(box: Box, seen: { value: { top: number; height: number } }): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = new ResizeObserver(() => {
      if (tree.follows.value) element.scrollTop = element.scrollHeight;
      seen.value = { top: element.scrollTop, height: element.clientHeight };
    });
    measure.observe(element);
    return () => measure.disconnect();
  }, [box, seen]);
}

/** Rows that come in above the view, or go there, do not move what one reads; the end stays in sight for who follows it. */
function useKeptPlace(box: Box, { rows }: Placed, isFollowing: boolean): void {
  const before = useRef<Placed["rows"]>([]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (isFollowing) element.scrollTop = element.scrollHeight;
    else keepInPlace(element, before.current, rows);
    before.current = rows;
  }, [rows, box, isFollowing]);
}

/**
 * By the first row in sight that is still there. What is beyond the window and shown only because something of it is
 * above a node says nothing of where one reads: it stays at the top while its children come in below it.
 */
function keepInPlace(element: HTMLElement, before: Placed["rows"], rows: Placed["rows"]): void {
  const { scrollTop, clientHeight } = element;
  const tops = new Map(rows.map(({ row, topPx }) => [row.id, topPx]));
  for (let at = indexAt(before, scrollTop); at < before.length; at++) {
    const one = before[at];
    if (!one || one.topPx > scrollTop + clientHeight) return;
    const top = one.row.entry.node && tops.get(one.row.id);
    if (top === undefined) continue;
    if (top !== one.topPx) element.scrollTop = scrollTop + top - one.topPx;
    return;
  }
}

/** A row that is newly selected comes into sight, when it is there. */
function useRevealed(box: Box, placed: { value: Placed }): void {
  useEffect(() => {
    let shown: string | undefined;
    return effect(() => {
      const id = selectedRow.value;
      const found = placed.value.rows.find(({ row }) => row.id === id);
      const element = box.current;
      if (!found || !element || id === shown) return;
      shown = id;
      const { topPx, heightPx } = found;
      const isSeen =
        topPx >= element.scrollTop && topPx + heightPx <= element.scrollTop + element.clientHeight;
      if (isSeen) return;
      requestAnimationFrame(() => {
        const isNear = Math.abs(topPx - element.scrollTop - element.clientHeight / 2) < element.clientHeight;
        const upper = topPx < element.scrollTop;
        if (!isNear) element.scrollTop = topPx - element.clientHeight / 2;
        else element.scrollTop = upper ? topPx : topPx + heightPx - element.clientHeight;
      });
    });
  }, [box, placed]);
}
