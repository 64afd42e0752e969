// The processes of this machine as they are now: through /proc on Linux, through `ps` elsewhere.
import { readdirSync, readFileSync } from "node:fs";

/** A pid alone names nobody, since pids are given out again; with the time of its start it does. */
export interface Process {
  pid: number;
  /** Clock ticks since the machine started on Linux, epoch seconds elsewhere. */
  startTime: number;
  parent: number;
  /** The session on Linux, the process group elsewhere. */
  session: number;
  /** The run of cron whose environment it has. Read when asked for. */
  runId(): string | undefined;
}

export const RUN_VARIABLE = "REEF_CRON_RUN";
const RUN_ID = new RegExp(`(?:^|[\\0 ])${RUN_VARIABLE}=([0-9A-Z]+)`);

/** Where the processes are read from. */
export type Source = "proc" | "ps";

/** How long one burst of reads may hold up everything else. */
const READS_PER_BURST = 100;
const IS_LINUX = process.platform === "linux";

/** Of a process that lives. Undefined too where only a list of all would say it. */
export function startTimeOf(pid: number): number | undefined {
  return IS_LINUX ? readProcess(pid)?.startTime : undefined;
}

/** To that process, and to no other that has its number by now. */
export function signal({ pid, startTime }: Process, name: "SIGTERM" | "SIGKILL"): void {
  if (IS_LINUX && startTimeOf(pid) !== startTime) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    // It went between the look and the signal, or belongs to somebody else.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** Without those that have ended already. */
export function readProcesses(source: Source = IS_LINUX ? "proc" : "ps"): Promise<Process[]> {
  return source === "proc" ? readProc() : readPs();
}

async function readProc(): Promise<Process[]> {
  const found: Process[] = [];
  let burst = 0;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const one = Number.isInteger(pid) ? readProcess(pid) : undefined;
    if (one) found.push(one);
    if (++burst % READS_PER_BURST === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

/** Fields after the name, which may hold anything, in the order of proc_pid_stat(5). */
function readProcess(pid: number): Process | undefined {
  const stat = readOf(pid, "stat");
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session] = fields;
  if (state === "Z" || state === "X") return undefined;
  return {
    pid,
    startTime: Number(fields[19]),
    parent: Number(parent),
    session: Number(session),
    runId: () => runIdIn(readOf(pid, "environ") ?? ""),
  };
}

/** Undefined when the process has gone meanwhile, or belongs to somebody else. */
function readOf(pid: number, file: "stat" | "environ"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** `e` shows the environment behind the command; BSD has it as `-E`. */
async function readPs(): Promise<Process[]> {
  const which = IS_LINUX ? ["axeww"] : ["-axEww"];
  const ps = Bun.spawn(["ps", ...which, "-o", "pid=,ppid=,pgid=,stat=,lstart=,command="], {
    env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
    stderr: "ignore",
  });
  const text = await new Response(ps.stdout).text();
  return text.split("\n").flatMap((line) => readLine(line) ?? []);
}

/** `42 1 42 Ss Sat Nov 22 04:10:00 2025 /bin/sh -c … REEF_CRON_RUN=…` */
function readLine(line: string): Process | undefined {
  const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s(.*)$/.exec(line);
  const [, pid, parent, session, state, started = "", text = ""] = found ?? [];
  if (!found || state?.startsWith("Z")) return undefined;
  return {
    pid: Number(pid),
    startTime: Math.floor(Date.parse(started) / 1000),
    parent: Number(parent),
    session: Number(session),
    runId: () => runIdIn(text),
  };
}

function runIdIn(environment: string): string | undefined {
  return RUN_ID.exec(environment)?.[1];
}
