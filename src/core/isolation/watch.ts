// Watches one process from outside: how much memory it has, and whether its event loop still turns. One that takes too
// much, or does not answer, is ended.
import { readFileSync } from "node:fs";
import type { ServiceProcess } from "./process.js";

export interface WatchLimits {
  memoryBytes: number;
  /** Between two looks. */
  lookMs: number;
  /** Looks in a row without an answer. Looks are counted and not time, for a busy server is late itself. */
  silentLooksMax: number;
}

/**
 * Goes on until the process has ended. `isServing`: it has to answer. An import and an `init` may keep its event loop
 * busy, and have limits of their own.
 */
export function watchProcess(process: ServiceProcess, limits: WatchLimits, isServing: () => boolean): void {
  const pulse = new Pulse(process);
  const timer = setInterval(() => {
    pulse.look(isServing());
    checkMemory(process, limits, pulse);
    checkPulse(process, limits, pulse);
  }, limits.lookMs);
  timer.unref();
  void process.ended.then(() => clearInterval(timer));
}

/** The memory of a process as the system counts it; undefined where the system has no /proc, or the process is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    // Whether it is gone is told by whoever started it.
    return undefined;
  }
}

function checkMemory(process: ServiceProcess, { memoryBytes }: WatchLimits, pulse: Pulse): void {
  const bytes = residentBytes(process.pid) ?? pulse.toldBytes;
  if (bytes <= memoryBytes) return;
  const message = `was ended: it had ${megabytes(bytes)} of memory, and may have ${megabytes(memoryBytes)}`;
  void process.end("memory", message);
}

function checkPulse(process: ServiceProcess, { silentLooksMax, lookMs }: WatchLimits, pulse: Pulse): void {
  if (pulse.silentLooks < silentLooksMax) return;
  void process.end("hung", `was ended: it did not answer for ${(silentLooksMax * lookMs) / 1000} s`);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}

/** Questions to a process, one at a time. */
class Pulse {
  readonly #process: ServiceProcess;
  #isWaiting = false;
  silentLooks = 0;
  /** What the process itself says of its memory. */
  toldBytes = 0;

  constructor(process: ServiceProcess) {
    this.#process = process;
  }

  look(isServing: boolean): void {
    this.silentLooks = this.#isWaiting && isServing ? this.silentLooks + 1 : 0;
    if (!this.#isWaiting) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isWaiting = true;
    try {
      this.toldBytes = (await this.#process.peer.call("ping", null)).value;
      this.#isWaiting = false;
    } catch {
      // The connection is lost, and whoever started the process has heard of it.
      this.silentLooks = 0;
    }
  }
}
