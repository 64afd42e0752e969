// What every measurement is given, and what it gives back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "./table.js";

export interface Bench {
  /** How many nodes a big tree has. */
  nodes: number;
  /** How often each way is measured that starts a process. */
  starts: number;
  /** Samples of each rate: many short ones, since the machine may have other work in between. */
  samples: number;
  /** Milliseconds under load for each of them. */
  loadMs: number;
  reloads: number;
  /** How many rows a full fleet service has. */
  fleetRows: number;
  /** How many sessions a big ledger of usage has. */
  sessions: number;
  /** An empty folder that goes away with the run. */
  folder(): string;
  /** A DATA_DIR whose tree has `nodes` nodes; filled by the first who asks. */
  filled(): Promise<string>;
}

/** Processes that it starts are ended for it. */
export type Measurement = (bench: Bench) => Promise<Row[]>;

export function openFolders(): { folder(): string; remove(): void } {
  const made: string[] = [];
  return {
    folder() {
      const folder = mkdtempSync(join(tmpdir(), "reef-bench-"));
      made.push(folder);
      return folder;
    },
    remove() {
      for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
    },
  };
}
