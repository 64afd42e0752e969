// Watches one turn of a task in the terminal until it ends, or until whoever watches has seen enough.
import { DONE, FAILED, INTERRUPTED } from "./command.js";
import type { Connection } from "./connection.js";
import { followEvents } from "./events.js";
import { createRunView, type Piece, type RunEnd } from "./run-view.js";
import type { Terminal } from "./terminal.js";

export interface Watched {
  server: Connection;
  terminal: Terminal;
  /** The task's name. */
  name: string;
  /** The seq after which the turn begins. */
  since: number;
  /** Show nothing on stdout: somebody else prints the outcome. */
  quiet?: boolean;
}

/** After the first Ctrl-C: how long a second one still means "cancel the task". */
const SECOND_THOUGHT_MS = 3000;
const COLUMNS_DEFAULT = 120;

export const CTRL_C = `Ctrl-C stops watching and leaves the task running; a second Ctrl-C within ${SECOND_THOUGHT_MS / 1000} s cancels it.`;

/** Resolves to the exit code: 0 when the turn is done, 1 when it failed or was cancelled, 130 after a Ctrl-C. */
export async function followTask(watched: Watched): Promise<number> {
  const stop = new AbortController();
  const offInterrupt = watched.terminal.onInterrupt(() => stop.abort());
  try {
    const end = await watch(watched, stop.signal);
    if (end !== undefined) return end === "done" ? DONE : FAILED;
  } finally {
    offInterrupt();
  }
  return await leave(watched);
}

/** Undefined when it was stopped before the end. */
async function watch(
  { server, terminal, name, since, quiet }: Watched,
  signal: AbortSignal,
): Promise<RunEnd | undefined> {
  const { out, err } = terminal;
  const view = createRunView({
    name,
    paint: err.paint,
    columns: err.columns ?? COLUMNS_DEFAULT,
    streams: out.columns !== undefined,
  });
  const write = ({ to, text }: Piece) => (to === "err" ? err : out).write(text);
  const onLost = (reason: string) =>
    err.write(`${err.paint("dim", `connection lost (${reason}); connecting again`)}\n`);
  const path = `/reef/events?taskId=${encodeURIComponent(name)}`;
  for await (const frame of followEvents(server, { path, since, signal, onLost })) {
    for (const piece of view.show(frame)) if (!quiet || piece.to === "err") write(piece);
    if (view.end !== undefined) return view.end;
    if (frame.type === "resync")
      throw new Error(`the server has another history now; see: reef task ${name}`);
  }
  return undefined;
}

async function leave({ server, terminal, name }: Watched): Promise<number> {
  const { err } = terminal;
  err.write(`\n'${name}' goes on. Watch it again: reef task ${name} --follow\n`);
  if (err.columns === undefined) return INTERRUPTED;
  err.write(`Press Ctrl-C again within ${SECOND_THOUGHT_MS / 1000} s to cancel it.\n`);
  if (!(await interruptedAgain(terminal))) return INTERRUPTED;
  await server.api("POST", `/reef/tasks/${encodeURIComponent(name)}/cancel`, {});
  err.write(`cancelled '${name}'\n`);
  return INTERRUPTED;
}

function interruptedAgain(terminal: Terminal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (again: boolean) => {
      clearTimeout(timer);
      off();
      resolve(again);
    };
    const timer = setTimeout(() => settle(false), SECOND_THOUGHT_MS);
    const off = terminal.onInterrupt(() => settle(true));
  });
}
