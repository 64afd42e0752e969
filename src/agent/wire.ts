// The two-way line to one pi process: commands out, answers and events in, read only as fast as they are taken.
import { messageOf } from "../core/errors.js";
import type { Log } from "../core/types.js";
import { createLineCutter, LINE_BYTES_MAX } from "./lines.js";
import { type AgentEvent, type PiAnswer, parseLine } from "./protocol.js";
import { createPacedQueue } from "./queue.js";
import { type Heard, hear, type Phase, UNSETTLED } from "./settle.js";
import { within } from "./within.js";

/** Events read ahead of their listener. */
const EVENTS_MAX = 256;
/** Commands that wait for their answer. */
const REQUESTS_MAX = 256;
/** Consecutive lines that are not pi's protocol. */
const NOISE_LINES_MAX = 100;
/** Reading for so long without a break would hold up everybody else: a pipe that is always full never waits. */
const SLICE_MS = 2;
/** Dialogs remembered, so that they can be cancelled when the run goes down. */
const DIALOGS_MAX = 256;

const ASKING = new Set(["select", "confirm", "input", "editor"]);
const PROBE = "probe-";

export interface Command {
  type: string;
  [field: string]: unknown;
}

export interface WireOptions {
  output: ReadableStream<Uint8Array>;
  write(line: string): void;
  lineBytesMax?: number;
  log?: Log;
}

export interface Wire {
  /** Rejects with pi's text when it refuses, when it is silent for `limitMs`, or with what `close` is given. */
  request(command: Command, limitMs?: number): Promise<unknown>;
  send(command: Command): void;
  events(): AsyncIterable<AgentEvent>;
  phase(): Phase;
  /** True while there is something to abort: a prompt was sent, and what it began has not settled. */
  busy(): boolean;
  /** Resolves when no compaction is going on, or nothing is any more. */
  notCompacting(): Promise<void>;
  /** True while nothing is read because the listener is behind. */
  isPaced(): boolean;
  /** Settles when pi has accepted a prompt for the first time, or its output is over. */
  readonly prompted: Promise<void>;
  /** Settles when the output is over: with the reason when it could not be read on. */
  readonly over: Promise<string | undefined>;
  /** From now on events are thrown away, and open dialogs are cancelled. */
  drop(): void;
  /** Stops reading. Whoever still waits for an answer is told this. */
  close(reason: Error): void;
}

interface Waiting {
  type: string;
  resolve(data: unknown): void;
  reject(error: Error): void;
}

export function createWire(options: WireOptions): Wire {
  const queue = createPacedQueue<AgentEvent>(EVENTS_MAX);
  const reader = options.output.getReader();
  const cutter = createLineCutter(options.lineBytesMax ?? LINE_BYTES_MAX);
  const waiting = new Map<string, Waiting>();
  const dialogs = new Set<string>();
  const prompted = Promise.withResolvers<void>();
  const settling = createSettling(
    () => probe(),
    () => queue.push({ type: "settled" }),
  );
  let commands = 0;
  let waitingForQuiet = 0;
  let isPaced = false;
  let noise = 0;
  let closed: Error | undefined;

  function write(command: Command): void {
    options.write(`${JSON.stringify(command)}\n`);
  }

  function probe(): void {
    write({ type: "get_state", id: `${PROBE}${settling.probe()}` });
  }

  /** Whoever waits for something that comes behind the events may be their listener. */
  function pace(): void {
    queue.lift(waiting.size > 0 || waitingForQuiet > 0);
  }

  function ask(command: Command): Promise<unknown> {
    if (closed) return Promise.reject(closed);
    if (waiting.size >= REQUESTS_MAX)
      return Promise.reject(new Error(`pi has ${REQUESTS_MAX} commands to answer`));
    const id = `c${++commands}`;
    return new Promise((resolve, reject) => {
      waiting.set(id, { type: command.type, resolve, reject });
      pace();
      if (command.type === "prompt") settling.hear({ type: "prompting" });
      write({ ...command, id });
    });
  }

  function answered(answer: PiAnswer): void {
    if (answer.id?.startsWith(PROBE)) {
      settling.hear(stateOf(answer));
      return;
    }
    const id = answer.id ?? oldest(waiting, answer.command);
    const request = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || !request) {
      options.log?.warn("pi answered what it was not asked:", answer.command, answer.error);
      return;
    }
    waiting.delete(id);
    pace();
    if (request.type === "prompt") settling.hear({ type: answer.success ? "prompted" : "refused" });
    if (request.type === "prompt" && answer.success) prompted.resolve();
    if (answer.success) request.resolve(answer.data);
    else request.reject(new Error(answer.error));
  }

  function take(line: Buffer): void {
    if (line.length === 0) return;
    const said = parseLine(line);
    noise = said.kind === "noise" ? noise + 1 : 0;
    if (noise >= NOISE_LINES_MAX)
      throw new Error(`pi sent ${NOISE_LINES_MAX} lines in a row that are not JSON`);
    if (said.kind === "answer") answered(said.answer);
    if (said.kind === "event") happened(said.event);
  }

  function happened(event: AgentEvent): void {
    if (event.type === "extension_ui_request" && ASKING.has(event.method) && dialogs.size < DIALOGS_MAX) {
      dialogs.add(event.id);
    }
    queue.push(event);
    settling.hear(event);
  }

  async function read(): Promise<string | undefined> {
    let sliceBegan = performance.now();
    try {
      for (;;) {
        isPaced = true;
        await queue.room();
        isPaced = false;
        const { done, value } = await reader.read();
        if (done) break;
        for (const line of cutter.push(value)) take(line);
        if (performance.now() - sliceBegan < SLICE_MS) continue;
        await new Promise((resolve) => setImmediate(resolve));
        sliceBegan = performance.now();
      }
      for (const line of cutter.end()) take(line);
      return undefined;
    } catch (error) {
      reader.cancel().catch((failure) => options.log?.debug("pi's output was closed already:", failure));
      return closed ? undefined : messageOf(error);
    } finally {
      queue.end();
      settling.end();
      prompted.resolve();
    }
  }

  return {
    request: (command, limitMs) =>
      limitMs === undefined
        ? ask(command)
        : within(ask(command), limitMs, `pi did not answer ${command.type}`),
    send(command) {
      if (command.type === "extension_ui_response") dialogs.delete(String(command.id));
      if (!closed) write(command);
    },
    events: queue.items,
    phase: settling.phase,
    busy: settling.busy,
    async notCompacting() {
      waitingForQuiet += 1;
      pace();
      await settling.notCompacting();
      waitingForQuiet -= 1;
      pace();
    },
    isPaced: () => isPaced,
    prompted: prompted.promise,
    over: read(),
    drop() {
      queue.drop();
      for (const id of dialogs) write({ type: "extension_ui_response", id, cancelled: true });
      dialogs.clear();
    },
    close(reason) {
      closed ??= reason;
      reader.cancel().catch((failure) => options.log?.debug("pi's output was closed already:", failure));
      queue.end();
      for (const request of waiting.values()) request.reject(closed);
      waiting.clear();
    },
  };
}

/** The machine of settle.ts with its state, and with those who wait for it. */
function createSettling(probe: () => void, settled: () => void) {
  let state = UNSETTLED;
  let over = false;
  let wake: (() => void)[] = [];
  return {
    phase: () => state.phase,
    probe: () => state.probe,
    busy: () => state.prompts > 0 || (state.phase !== "idle" && state.phase !== "settled"),
    hear(heard: Heard) {
      const step = hear(state, heard);
      state = step.state;
      if (step.effect === "probe") probe();
      if (step.effect === "settled") settled();
      if (state.phase !== "compacting") for (const resolve of wake.splice(0)) resolve();
    },
    async notCompacting() {
      while (state.phase === "compacting" && !over) await new Promise<void>((resolve) => wake.push(resolve));
    },
    end() {
      over = true;
      for (const resolve of wake) resolve();
      wake = [];
    },
  };
}

function stateOf(answer: PiAnswer): Heard {
  const data = (answer.data ?? {}) as Record<string, unknown>;
  return {
    type: "state",
    probe: Number(answer.id?.slice(PROBE.length)),
    streaming: data.isStreaming === true,
    compacting: data.isCompacting === true,
    pending: typeof data.pendingMessageCount === "number" ? data.pendingMessageCount : 0,
  };
}

/** pi drops the id of a command that it does not know. */
function oldest(waiting: ReadonlyMap<string, Waiting>, type: string): string | undefined {
  for (const [id, request] of waiting) if (request.type === type) return id;
  return undefined;
}
