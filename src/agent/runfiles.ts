// The files of one run in `DATA_DIR/run`: which process it is, the session it was given, the folder it started in.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Identity } from "./processes.js";

/** What `<runId>.json` says, so that a later server can find what an earlier one has left. */
export interface RunRecord extends Identity {
  bootId: string;
  tag: string;
  taskId: string | null;
}

/** What this file makes in the folder, and nothing else, is removed from it. */
const OWN_NAME = /^run-[0-9a-f]{24}(\.jsonl?)?$/;

export function newRunId(): string {
  return `run-${randomBytes(12).toString("hex")}`;
}

export interface RunFiles {
  /** Empty and private: pi reads settings from the folder in which it starts. */
  cwd: string;
  sessionPath: string;
  record(record: RunRecord): void;
  remove(): void;
}

export function createRunFiles(runDir: string, runId: string): RunFiles {
  const cwd = join(runDir, runId);
  const recordPath = join(runDir, `${runId}.json`);
  const sessionPath = join(runDir, `${runId}.jsonl`);
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  mkdirSync(cwd, { mode: 0o700 });
  return {
    cwd,
    sessionPath,
    record: (record) => writeFileSync(recordPath, JSON.stringify(record), { mode: 0o600 }),
    remove() {
      for (const path of [cwd, sessionPath, recordPath]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The records that are left, damaged ones left out: the tag finds their processes too. */
export function readRunRecords(runDir: string): RunRecord[] {
  return namesIn(runDir)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => parseRecord(readFileSync(join(runDir, name), "utf8")) ?? []);
}

export function clearRunFiles(runDir: string): void {
  for (const name of namesIn(runDir)) rmSync(join(runDir, name), { recursive: true, force: true });
}

function namesIn(runDir: string): string[] {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  return readdirSync(runDir).filter((name) => OWN_NAME.test(name));
}

function parseRecord(text: string): RunRecord | undefined {
  try {
    const { pid, startTime, bootId, tag, taskId } = JSON.parse(text);
    if (!Number.isInteger(pid) || typeof startTime !== "number" || typeof bootId !== "string")
      return undefined;
    return { pid, startTime, bootId, tag: String(tag), taskId: typeof taskId === "string" ? taskId : null };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
