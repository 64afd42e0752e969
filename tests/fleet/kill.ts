// What a service acknowledged is there after `kill -9` and a restart, and nothing else of what was being written.
import type { Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";

const WRITERS = 64;
const TOKEN = "kill-test-token";

export interface KillOptions<T> {
  services: readonly string[];
  /** Writes something; resolves when it was acknowledged. `n` is different each time. */
  write(reef: Reef, n: number): Promise<T>;
  /** All that is there. */
  read(reef: Reef): Promise<T[]>;
  /** Killed as soon as so many were acknowledged. */
  acknowledged?: number;
}

export interface KillReport<T> {
  acknowledged: T[];
  /** After the restart, in the order in which `read` gives it. */
  found: T[];
  /** How many writes were begun, acknowledged or not. */
  begun: number;
}

/** 64 writers write until the server is killed; then it starts again on the same data. */
export async function killWhileWriting<T>(options: KillOptions<T>): Promise<KillReport<T>> {
  const { services, write, read, acknowledged: enough = 300 } = options;
  const reef = await startReefWith(services, { token: TOKEN });
  const acknowledged: T[] = [];
  let begun = 0;
  let isKilled = false;
  const killed = Promise.withResolvers<void>();

  async function writeOn(): Promise<void> {
    while (!isKilled) {
      const written = await write(reef, begun++).catch((error: unknown) => {
        // The connection ends with the server. Anything that fails before is a failure of the service.
        if (!isKilled) throw error;
      });
      if (written === undefined) return;
      acknowledged.push(written);
      if (acknowledged.length < enough || isKilled) continue;
      isKilled = true;
      await reef.kill();
      killed.resolve();
    }
  }

  await Promise.all([killed.promise, ...Array.from({ length: WRITERS }, writeOn)]);
  const again = await reef.restart();
  const found = await read(again);
  await again.stop();
  return { acknowledged, found, begun };
}
