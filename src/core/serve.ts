// Listens on the configured port and hands each request on, with the limits that belong to connections.
import type { Config } from "./config.js";

/** How long a connection may be silent; streams and answers that take their time are let off. */
const CONNECTION_SILENT_SECONDS = 30;

type Answer = (request: Request, connection: Bun.Server<undefined>) => Promise<Response>;

/** Answers on the configured port. A port in use is an Error that says so. */
export function serve(config: Config, hostname: string, fetch: Answer) {
  try {
    return Bun.serve({
      port: config.port,
      hostname,
      development: false,
      idleTimeout: CONNECTION_SILENT_SECONDS,
      // The kernel counts the body itself, so that the answer says which limit it was.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch,
    });
  } catch (error) {
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    throw new Error(`port ${config.port} is already in use`, { cause: error });
  }
}
