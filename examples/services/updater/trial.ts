// Starts a version that was made ready, on a port and in a folder of its own, and sees whether it answers. Done where a
// supervisor starts the new version: when that could not even begin, nobody would be there to put the old one back.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, ReefError } from "#core/errors.js";

const ANSWER_MS = 30_000;
const END_MS = 10_000;
const OUTPUT_CHARS_MAX = 2_000;

/** `start` is its executable with arguments. Rejects `upstream_failed` with the end of what it printed. */
export async function tryStart(
  start: readonly string[],
  folder: string,
  env: Record<string, string>,
): Promise<void> {
  const servicesDir = join(folder, "services");
  await mkdir(servicesDir, { recursive: true });
  const own = { PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(folder, "data"), SERVICES_DIR: servicesDir };
  const child = Bun.spawn([...start], {
    cwd: folder,
    env: { ...env, ...own, REEF_WARM: "0", REEF_OFFLINE: "1", REEF_SAFE: "0", UPDATE_POLL_INTERVAL: "0" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const late = setTimeout(() => child.kill("SIGKILL"), ANSWER_MS);
  const errors = new Response(child.stderr).text();
  try {
    const port = await announcedPort(child.stdout);
    if (port === undefined)
      throw new Error((await errors).trim().slice(-OUTPUT_CHARS_MAX) || "it printed nothing");
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/health`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!ok) throw new Error(`/health answered ${status}`);
  } catch (error) {
    throw new ReefError(
      "upstream_failed",
      `the new version does not start: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  } finally {
    clearTimeout(late);
    await end(child);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Undefined when it ends without a word of it. */
async function announcedPort(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    const [, port] = /^reef running on :(\d+)$/m.exec(text) ?? [];
    if (port !== undefined) return port;
  }
  return undefined;
}

async function end(child: Bun.Subprocess): Promise<void> {
  const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
  child.kill("SIGTERM");
  await child.exited;
  clearTimeout(late);
}
