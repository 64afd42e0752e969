// What becomes of a service's process, for whoever looks: nodes of the tree, the log, and the module's last error.
import type { Log, ServiceContext } from "../types.js";
import type { ProcessEnd } from "./process.js";

export interface Diary {
  ended(end: ProcessEnd, waitMs: number): void;
  startedAgain(): void;
}

export function createDiary(options: {
  ctx: ServiceContext;
  log: Log;
  /** Counts as a fault of the module. */
  failed(error: unknown): void;
}): Diary {
  const { ctx, log, failed } = options;
  let restarts = 0;

  function record(type: string, content: string, meta: object): void {
    ctx
      .record({ type, source: ctx.name, content, ...meta, restarts })
      .catch((error) => log.error(`"${content}" could not be recorded:`, error));
  }

  return {
    ended({ reason, message, exitCode, signal }, waitMs) {
      log.error(`its process ${message}; it is started again in ${waitMs / 1000} s`);
      failed(new Error(`its process ${message}`));
      record("service_process_ended", `process of ${ctx.name} ${message}`, { reason, exitCode, signal });
    },
    startedAgain() {
      restarts++;
      log.info(`its process runs again (restart ${restarts})`);
      record("service_process_started", `process of ${ctx.name} started again`, {});
    },
  };
}
