// The life of the page: who is signed in, the first view, the stream, and what sleep and the network do to it.
import { send, sessionEnds } from "./api.js";
import { outbox } from "./sending.js";
import {
  catchUp,
  connection,
  isSignedOut,
  liveTurns,
  loadAll,
  loadSession,
  onFrame,
  refreshPanels,
  tree,
} from "./state.js";
import { type Connection, type Following, follow } from "./stream.js";

/** A tab that nobody sees gives its connection back: browsers allow few for one server. */
const HIDDEN_MS = 30_000;

export interface Life {
  /** Tries again now what failed: the start, or the connection. */
  retry(): void;
}

/** Loads the first view, and follows what happens from there. */
export function live(): Life {
  let following: Following | undefined;
  let wasLive = false;
  sessionEnds.addEventListener("end", () => {
    isSignedOut.value = true;
    following?.pause();
  });

  async function begin(): Promise<void> {
    // Together, since a page without a session is the exception: it hears so from any of them.
    const [isSignedIn] = await Promise.all([loadSession(), loadAll()]);
    if (!isSignedIn) return;
    following = follow({
      connect: (after, signal) => send("/reef/events", { headers: streamHeaders(after), signal }),
      since: tree.isLoaded.value ? tree.tail : undefined,
      frame: onFrame,
      state: connected,
    });
    watchVisibility(following);
  }

  function connected(now: Connection): void {
    connection.value = now;
    if (now.state !== "live") return;
    // Whatever was told between two connections, only what was committed is told again.
    if (wasLive) catchUp();
    wasLive = true;
    void outbox.flush();
  }

  void begin();
  return {
    retry: () => (following ? following.retry() : void begin()),
  };
}

function streamHeaders(after: number | undefined): Record<string, string> {
  const accept = { accept: "text/event-stream" };
  return after === undefined ? accept : { ...accept, "last-event-id": String(after) };
}

function watchVisibility(following: Following): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => {
        following.pause();
        liveTurns.forgetUnfinished();
      }, HIDDEN_MS);
      return;
    }
    following.resume();
    void refreshPanels();
  });
  for (const event of ["online", "focus"]) addEventListener(event, () => following.retry());
  // A server on this machine may be there all the same.
  addEventListener("offline", () => following.renew());
}
