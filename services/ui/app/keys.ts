// The keys that work everywhere: what each does, and when it is meant for what one types.
import { signal } from "@preact/signals";
import { cursor, fold, move, open, replyTo, selectedRow, toggleUnrolled } from "./feed-state.js";
import { beginTask, focusReply } from "./reply-box.js";
import { go, nodeLink, route, viewLink } from "./route.js";
import { panels, pending, tree } from "./state.js";

export const shownDialog = signal<"palette" | "help" | undefined>(undefined);

/** As the help shows them. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["j k ↓ ↑", "move in the feed"],
  ["h l ← →", "fold, unfold"],
  ["Enter", "open the node"],
  ["Space", "show more of it in the feed"],
  ["G", "go to the newest"],
  ["n", "new task"],
  ["r", "reply"],
  ["s", "say something into the run"],
  ["c", "cancel the run"],
  ["a", "the next question"],
  ["g then f t s o p", "feed, tasks, services, overview, panels"],
  ["/", "search"],
  ["Ctrl+K", "commands"],
  ["?", "this help"],
  ["Esc", "back"],
];

/** `cancelRun` asks before it does so. Returns what undoes it all. */
export function listenToKeys(cancelRun: () => void): () => void {
  let leader = false;
  const single: Keys = {
    ...SINGLE,
    c: cancelRun,
    g: () => {
      leader = true;
    },
  };
  function pressed(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      shownDialog.value = "palette";
      return;
    }
    if (!isMeant(event)) return;
    const act = leader ? AFTER_G[event.key] : (single[event.key] ?? feedKey(event));
    leader = false;
    if (!act) return;
    event.preventDefault();
    act();
  }
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** Not while one writes, and not where the key does something itself. */
function isMeant(event: KeyboardEvent): boolean {
  const { target, key } = event;
  if (!(target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target.matches("input, textarea, select")) {
    if (key === "Escape") target.blur();
    return false;
  }
  if (target.closest("dialog")) return false;
  return !(["Enter", " "].includes(key) && target.matches("button, a, summary"));
}

function feedKey({ key, target }: KeyboardEvent): (() => void) | undefined {
  const isElsewhere =
    route.value.view !== "feed" || (target instanceof HTMLElement && target.closest(".branch"));
  return isElsewhere ? undefined : IN_FEED[key];
}

type Keys = Record<string, (() => void) | undefined>;

const SINGLE: Keys = {
  n: beginTask,
  r: () => {
    if (route.value.nodeId !== undefined) replyTo.value = cursor.value ?? route.value.nodeId;
    focusReply();
  },
  s: () => {
    replyTo.value = undefined;
    focusReply();
  },
  a: nextQuestion,
  "/": () => go(viewLink("search")),
  "?": () => (shownDialog.value = "help"),
  Escape: back,
};

/** Elsewhere they scroll, as everywhere. */
const IN_FEED: Keys = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  h: () => fold(true),
  l: () => fold(false),
  ArrowLeft: () => fold(true),
  ArrowRight: () => fold(false),
  G: () => void tree.followEnd(),
  Enter: () => selectedRow.value !== undefined && open(selectedRow.value),
  " ": () => selectedRow.value !== undefined && toggleUnrolled(selectedRow.value),
};

const AFTER_G: Keys = {
  f: () => go(viewLink("feed")),
  t: () => go(viewLink("tasks")),
  s: () => go(viewLink("services")),
  o: () => go(viewLink("overview")),
  p: nextPanel,
};

/** The one after that which is shown, round and round. */
function nextQuestion(): void {
  const { value } = pending;
  const at = value.findIndex(({ id }) => id === route.value.nodeId);
  const next = value[(at + 1) % value.length];
  if (next) go(nodeLink(next.id));
}

function nextPanel(): void {
  const { value } = panels;
  const at = value.findIndex(({ name }) => name === route.value.name);
  const next = value[(at + 1) % value.length];
  if (next) go(viewLink("panel", next.name));
}

function back(): void {
  if (replyTo.value !== undefined) replyTo.value = undefined;
  else if (route.value.view !== "feed" || route.value.nodeId !== undefined) {
    cursor.value = route.value.nodeId;
    go(viewLink("feed"));
  }
}
