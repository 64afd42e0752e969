// Starts the process of one service, connects it, and ends it with everything that it has started.
import { fileURLToPath } from "node:url";
import { endFamily } from "../trial-child.js";
import type { Log } from "../types.js";
import type { Carrier } from "./carrier.js";
import { readLines } from "./output.js";
import { type Answers, ConnectionLost, type Hearers, Peer } from "./peer.js";
import type { Place } from "./place.js";
import type { ServerCalls, ServerHears, ServiceCalls, ServiceHears } from "./protocol.js";

const PROGRAM = fileURLToPath(new URL("./child.ts", import.meta.url));
/** A process that is not connected by then never will be. */
const CONNECT_MS = 30_000;
/** A process that has closed its connection is at its end; one that goes on then is ended. */
const LAST_WORDS_MS = 1_000;

/** Why a process ended: by itself (`exit`, `signal`), or because it was ended. */
export type EndReason = "exit" | "signal" | "memory" | "hung" | "connection" | "failed" | "stopped";

export interface ProcessEnd {
  reason: EndReason;
  /** For people. */
  message: string;
  exitCode: number | null;
  signal: string | null;
}

export type ServicePeer = Peer<ServiceCalls, ServiceHears, ServerCalls, ServerHears>;

export interface ServiceProcess {
  readonly pid: number;
  readonly peer: ServicePeer;
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves as `ended`. The first reason counts. */
  end(reason: EndReason, message: string): Promise<ProcessEnd>;
}

export interface ProcessOptions {
  /** Shown beside the program in a list of processes. */
  name: string;
  place: Place;
  env: Readonly<Record<string, string>>;
  /** `NAME=value`: the variable of `env` that only this process and what it starts have. */
  tag: string;
  answers: Answers<ServerCalls>;
  hearers: Hearers<ServerHears>;
  carrier: Carrier;
  log: Log;
}

/** Rejects when it cannot be started, or ends before it is connected. */
export function startProcess(options: ProcessOptions): Promise<ServiceProcess> {
  return options.place.withSocketPath(async (path) => {
    const socket = listen(path, options);
    try {
      const started = new Started(options, spawn(path, options), socket);
      await connected(started, socket);
      return started;
    } finally {
      socket.stopListening();
    }
  });
}

async function connected(started: ServiceProcess, socket: ServerSocket): Promise<void> {
  const late = setTimeout(() => started.end("failed", "did not connect"), CONNECT_MS);
  const failed = async () => {
    const { message } = await started.ended;
    throw new Error(`its process ${message}`);
  };
  try {
    await Promise.race([socket.connected, failed()]);
  } finally {
    clearTimeout(late);
  }
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

/** In a session of its own, so that a signal to the server's group does not reach it and all of it can be ended at once. */
function spawn(path: string, { name, place, env, log }: ProcessOptions): Child {
  const argv = [process.execPath, "--no-install", "--no-orphans", PROGRAM, path, name];
  const pipes = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
  const child = Bun.spawn(argv, { cwd: place.dir, env, detached: true, ...pipes });
  const lost = (error: unknown) => log.debug("output of the process is lost:", error);
  readLines(child.stdout, { write: log.info }).catch(lost);
  readLines(child.stderr, { write: log.warn }).catch(lost);
  return child;
}

interface ServerSocket {
  readonly peer: ServicePeer;
  readonly connected: Promise<void>;
  /** Resolves to the reason when the connection is over. */
  readonly closed: Promise<string>;
  stopListening(): void;
  close(): void;
}

/** One connection is let in, and the path is free again. */
function listen(path: string, { answers, hearers, carrier }: ProcessOptions): ServerSocket {
  const connected = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<string>();
  let socket: Bun.Socket<undefined> | undefined;
  const close = (why = "it closed its connection") => {
    socket?.end();
    closed.resolve(why);
  };
  const peer: ServicePeer = new Peer({
    side: "server",
    carrier,
    answers,
    hearers,
    write: (bytes) => socket?.write(bytes) ?? -1,
    broken: (reason) => {
      peer.lost(reason);
      close(reason.message);
    },
  });
  const listener = Bun.listen<undefined>({
    unix: path,
    socket: {
      open(opened) {
        if (socket) return void opened.end();
        socket = opened;
        connected.resolve();
      },
      data: (from, bytes) => void (from === socket && peer.received(bytes)),
      drain: () => peer.drained(),
      close: (from) => void (from === socket && close()),
      error: () => close(),
    },
  });
  return {
    peer,
    connected: connected.promise,
    closed: closed.promise,
    stopListening: () => listener.stop(),
    close,
  };
}

class Started implements ServiceProcess {
  readonly pid: number;
  readonly peer: ServicePeer;
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Child;
  #why: { reason: EndReason; message: string } | undefined;

  constructor(options: ProcessOptions, child: Child, socket: ServerSocket) {
    this.pid = child.pid;
    this.peer = socket.peer;
    this.#child = child;
    this.ended = this.#untilEnded(options, socket);
    void this.#endWithConnection(socket);
  }

  end(reason: EndReason, message: string): Promise<ProcessEnd> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#why ??= { reason, message };
      this.#child.kill("SIGKILL");
    }
    return this.ended;
  }

  async #untilEnded(options: ProcessOptions, socket: ServerSocket): Promise<ProcessEnd> {
    await this.#child.exited;
    const end = this.#howItEnded();
    this.peer.lost(new ConnectionLost(`its process ${end.message}`));
    socket.close();
    await endFamily(this.pid, options);
    return end;
  }

  #howItEnded(): ProcessEnd {
    const { exitCode, signalCode } = this.#child;
    const signal = signalCode === null ? null : String(signalCode);
    const own =
      signal === null
        ? { reason: "exit" as const, message: `ended with exit code ${exitCode}` }
        : { reason: "signal" as const, message: `was ended by ${signal}` };
    return { ...own, ...this.#why, exitCode, signal };
  }

  async #endWithConnection(socket: ServerSocket): Promise<void> {
    const why = await socket.closed;
    this.peer.lost(new ConnectionLost("the connection to its process is closed"));
    const late = setTimeout(() => this.end("connection", `was ended: ${why}`), LAST_WORDS_MS);
    await this.#child.exited;
    clearTimeout(late);
  }
}

/** What a call to the process failed with; when that is the end of the process, how it ended. */
export async function explained(error: unknown, process: ServiceProcess): Promise<unknown> {
  if (!(error instanceof ConnectionLost)) return error;
  const { message } = await process.ended;
  return new Error(`its process ${message}`, { cause: error });
}
