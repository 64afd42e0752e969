// What the tests of cron share: a harness with cron in it, the calls that they make of it, and waiting for what runs do.
import { readdirSync, readFileSync } from "node:fs";
import { createTestHarness, type HarnessOptions, type RequestOptions } from "#core/testing.js";
import cron from "./index.js";

const WAIT_MS = 20_000;
const LOOK_AGAIN_MS = 10;

/** A schedule that no test lives to see. */
export const NEVER = "0 0 1 1 *";

export type CronHarness = Awaited<ReturnType<typeof openHarness>>;

export async function openHarness({ services = [], ...options }: Partial<HarnessOptions> = {}) {
  const harness = await createTestHarness({ services: [cron, ...services], ...options });
  const ask = (path: string, request: RequestOptions = {}) =>
    harness.json(`/cron${path}`, { auth: true, ...request });
  const runs = async (query = "") => (await ask(`/runs?limit=1000${query}`)).data.runs;
  return {
    ...harness,
    ask,
    runs,
    create: async (body: object) => (await ask("/jobs", { body })).data,
    /** A job that runs a command when it is told to. */
    exec: async (command: string, rest: object = {}) =>
      (
        await ask("/jobs", {
          body: { name: "job", schedule: NEVER, type: "exec", config: { command }, ...rest },
        })
      ).data,
    run: (job: { id: string }, wait = true) =>
      ask(`/jobs/${job.id}/run${wait ? "" : "?wait=false"}`, { method: "POST" }),
    change: (job: { id: string }, body: object) => ask(`/jobs/${job.id}`, { method: "PATCH", body }),
    remove: (job: { id: string }) => ask(`/jobs/${job.id}`, { method: "DELETE" }),
    /** Resolves when so many runs of a job have ended. */
    ended: (job: { id: string }, count = 1) =>
      until(async () => {
        const found = await runs(`&jobId=${job.id}`);
        const over = found.filter(({ status }: { status: string }) => status !== "running");
        return over.length >= count ? over : undefined;
      }),
  };
}

export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error("it did not come to that");
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** The processes that have this text in their environment. */
export function processesWith(text: string): number[] {
  const pids = readdirSync("/proc").map(Number);
  return pids.filter((pid) => pid > 0 && readIfThere(`/proc/${pid}/environ`).includes(text));
}

/** Empty for a process that has ended meanwhile. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
