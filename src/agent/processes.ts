// The processes of this machine as they are now: through /proc on Linux, through `ps` elsewhere.
import { readdirSync, readFileSync } from "node:fs";

/** A pid alone names nobody: pids are given out again. The start time makes it a name. */
export interface Identity {
  pid: number;
  /** Clock ticks since boot on Linux, epoch seconds elsewhere. */
  startTime: number;
}

export interface ProcessRow extends Identity {
  parent: number;
  /** The session on Linux, the process group elsewhere: what a process shares only with its own kind. */
  group: number;
}

export interface ProcessTable {
  /** Zombies left out: they are gone, only nobody has looked. */
  rows: readonly ProcessRow[];
  /** True when the environment of the process holds `REEF_RUN=` and a value that begins so, or is just that. */
  isTagged(row: ProcessRow, tag: string, match: "whole" | "prefix"): boolean;
}

/** How long one burst of reads may hold up everything else. */
const ROWS_PER_BURST = 100;

export const TAG_VARIABLE = "REEF_RUN";

/** Where the processes are read from. */
export type Source = "proc" | "ps";

const IS_LINUX = process.platform === "linux";

export async function readProcesses(source: Source = IS_LINUX ? "proc" : "ps"): Promise<ProcessTable> {
  return source === "proc" ? readProc() : readPs();
}

/** Its start time, or undefined when no such process lives. */
export function startTimeOf(pid: number, source: Source = IS_LINUX ? "proc" : "ps"): number | undefined {
  const row = source === "proc" ? readRow(pid) : listPs(pid).rows[0];
  return row?.startTime;
}

/** Sends the signal to that process and to no other. False when it is gone. */
export function signal(target: Identity, name: NodeJS.Signals): boolean {
  if (startTimeOf(target.pid) !== target.startTime) return false;
  try {
    return process.kill(target.pid, name);
  } catch (error) {
    // It went between the look and the signal, or belongs to somebody else.
    if (isErrno(error, "ESRCH") || isErrno(error, "EPERM")) return false;
    throw error;
  }
}

/** Differs between two boots of one machine, so that a pid and a start time of an earlier one are not believed. */
export function bootId(): string {
  if (IS_LINUX) return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return Bun.spawnSync(["sysctl", "-n", "kern.boottime"]).stdout.toString().trim();
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

async function readProc(): Promise<ProcessTable> {
  const rows: ProcessRow[] = [];
  let burst = 0;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const row = readRow(pid);
    if (row) rows.push(row);
    if (++burst % ROWS_PER_BURST === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { rows, isTagged: (row, tag, match) => hasTag(readEnvironment(row.pid), "\0", tag, match) };
}

/** Fields after the name, which may hold anything, in the order of proc_pid_stat(5). */
function readRow(pid: number): ProcessRow | undefined {
  const stat = readOwn(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), group: Number(session), startTime: Number(fields[19]) };
}

function readEnvironment(pid: number): string {
  return readOwn(`/proc/${pid}/environ`) ?? "";
}

/** Undefined when the process is gone by now, or is another user's. */
function readOwn(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}

function hasTag(environment: string, separator: string, tag: string, match: "whole" | "prefix"): boolean {
  const wanted = `${separator}${TAG_VARIABLE}=${tag}${match === "whole" ? separator : ""}`;
  return `${separator}${environment}${separator}`.includes(wanted);
}

function readPs(): ProcessTable {
  const { rows, texts } = listPs();
  return { rows, isTagged: (row, tag, match) => hasTag(texts.get(row.pid) ?? "", " ", tag, match) };
}

/** `ps` shows the environment behind the command, separated by blanks. */
function listPs(pid?: number): { rows: ProcessRow[]; texts: Map<number, string> } {
  const everything = IS_LINUX ? ["axeww"] : ["-axEww"];
  const which = pid === undefined ? everything : ["-ww", "-p", String(pid)];
  const columns = "pid=,ppid=,pgid=,stat=,lstart=,command=";
  const { stdout } = Bun.spawnSync(["ps", ...which, "-o", columns], {
    env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
  });
  const rows: ProcessRow[] = [];
  const texts = new Map<number, string>();
  for (const line of stdout.toString().split("\n")) {
    const found = parsePsLine(line);
    if (!found) continue;
    rows.push(found.row);
    texts.set(found.row.pid, found.text);
  }
  return { rows, texts };
}

/** `42 1 42 Ss Sat Nov 22 04:10:00 2025 /bin/sh -c … REEF_RUN=…` */
function parsePsLine(line: string): { row: ProcessRow; text: string } | undefined {
  const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s(.*)$/.exec(line);
  if (!found) return undefined;
  const [, pid, parent, group, state, started, text] = found;
  if (state?.startsWith("Z") || started === undefined || text === undefined) return undefined;
  const startTime = Math.floor(Date.parse(started) / 1000);
  return { row: { pid: Number(pid), parent: Number(parent), group: Number(group), startTime }, text };
}
