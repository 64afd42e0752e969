// Runs ahead of a version of reef that was just installed, in its process: when that version ends before it has answered,
// or does not answer in time, the old one is put back and started in its place. It needs nothing of the new version but
// its address, and nothing of reef.
import { putBack, readUpdate, type Update, writeUpdate } from "./update.js";

const ANSWER_MS = 30_000;
const LOOK_MS = 250;
/** Longer than reef allows itself to end in order. */
const END_MS = 15_000;

/** Here lie the record, and copies of this file and what it imports. */
const DIR = import.meta.dir;

const update = readUpdate(DIR);
if (update?.state === "started") guard(update);

function guard(update: Update): void {
  const since = performance.now();
  let failure: string | undefined;
  const onExit = (code: number) => {
    // A clean end is somebody's wish. The next start goes on judging.
    if (failure === undefined && code === 0) return;
    startOld(update, failure ?? `it ended with ${code} before it answered`);
  };
  process.on("exit", onExit);
  const timer = setInterval(async () => {
    if (await answers(update.url)) {
      clearInterval(timer);
      process.off("exit", onExit);
      writeUpdate(DIR, { ...update, state: "answered" });
    } else if (failure === undefined && performance.now() - since > ANSWER_MS) {
      clearInterval(timer);
      failure = `/health did not answer in ${ANSWER_MS / 1000} s`;
      endThen(() => startOld(update, failure ?? ""));
    }
  }, LOOK_MS);
  timer.unref();
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2 * LOOK_MS) })).ok;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** In order, where the new version knows how; else at once. */
function endThen(next: () => void): void {
  const knowsHow = process.listenerCount("SIGTERM") > 0;
  setTimeout(next, knowsHow ? END_MS : 0);
  if (knowsHow) process.kill(process.pid, "SIGTERM");
}

function startOld(update: Update, error: string): void {
  putBack(update);
  writeUpdate(DIR, { ...update, state: "put back", error });
  const [executable = process.execPath] = update.start;
  process.execve?.(executable, update.start);
}
