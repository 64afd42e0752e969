// What lies over the page while something is not as it should be: no connection, no session, no beginning.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Life } from "./connect.js";
import { outbox } from "./sending.js";
import { connection, isSignedOut, startError } from "./state.js";

const TICK_MS = 250;

export function Banner({ life }: { life: Life }) {
  if (isSignedOut.value) {
    return (
      <div class="banner" role="alert">
        <span>
          Your session has ended. What you wrote is kept. <a href="/ui/login">Sign in again</a>
        </span>
      </div>
    );
  }
  if (startError.value !== undefined) {
    return (
      <div class="banner" role="alert">
        <span>The dashboard could not begin: {startError.value}.</span>
        <button type="button" class="small" onClick={life.retry}>
          Try again
        </button>
      </div>
    );
  }
  return connection.value.state === "lost" ? <Lost retryAt={connection.value.retryAt} life={life} /> : null;
}

function Lost({ retryAt, life }: { retryAt: number; life: Life }) {
  const clock = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      clock.value = Date.now();
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [clock]);
  const seconds = Math.max(0, Math.ceil((retryAt - clock.value) / 1000));
  const waiting = outbox.entries.value.length;
  return (
    <div class="banner" role="alert">
      <span>
        The server cannot be reached. {waiting > 0 && "What you sent goes out as soon as it is back. "}
        <span aria-hidden="true">{seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…"}</span>
      </span>
      <button type="button" class="small" onClick={life.retry}>
        Try now
      </button>
    </div>
  );
}
