// Renders reports in processes of their own, each with a limit of time: there are short texts that take a parser of
// Markdown hours. What takes too long is shown as it is written.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type Rendered, renderPlain } from "./markdown.js";
import type { Report } from "./report.js";
import { createSlots } from "./slots.js";

const PROGRAM = fileURLToPath(new URL("./render-program.ts", import.meta.url));
const RENDER_MS_MAX = 5_000;
/** While others are being rendered. */
const WAIT_MS_MAX = 2_000;
const OUTPUT_BYTES_MAX = 64 * 1_048_576;
const PROCESSES_MAX = 2;
/** Together, of the reports that were asked for last. */
const KEPT_CHARS_MAX = 16 * 1_048_576;

const Output = Type.Object({ html: Type.String(), summary: Type.String() });

export interface Renderer {
  /** Takes no longer than the limits, whatever else is being rendered. */
  render(report: Pick<Report, "id" | "updatedAt" | "content">): Promise<Rendered>;
}

export interface RendererOptions {
  /** Ends what is being rendered. */
  signal: AbortSignal;
  renderMs?: number;
  waitMs?: number;
  keptCharsMax?: number;
}

export function createRenderer(options: RendererOptions): Renderer {
  const { signal, renderMs = RENDER_MS_MAX, waitMs = WAIT_MS_MAX } = options;
  const slots = createSlots(PROCESSES_MAX);
  const kept = createCache(options.keptCharsMax ?? KEPT_CHARS_MAX);
  const begun = new Map<string, Promise<Rendered>>();

  async function start(key: string, content: string): Promise<Rendered> {
    // Nothing is known yet of a text that never had its turn.
    if (signal.aborted || !(await slots.take(waitMs))) return renderPlain(content);
    try {
      const rendered = (await runProgram(content, renderMs, signal)) ?? renderPlain(content);
      if (!signal.aborted) kept.set(key, rendered);
      return rendered;
    } finally {
      slots.give();
    }
  }

  return {
    async render({ id, updatedAt, content }) {
      const key = `${id} ${updatedAt}`;
      const known = kept.get(key) ?? begun.get(key);
      if (known) return known;
      const work = start(key, content).finally(() => begun.delete(key));
      begun.set(key, work);
      return work;
    },
  };
}

/** Undefined when it could not be rendered within the limits. */
async function runProgram(
  content: string,
  timeout: number,
  signal: AbortSignal,
): Promise<Rendered | undefined> {
  const child = Bun.spawn(
    [process.execPath, "--no-install", "--no-orphans", "--no-env-file", "--smol", PROGRAM],
    {
      cwd: dirname(PROGRAM),
      env: {},
      stdin: new Blob([content]),
      stdout: "pipe",
      stderr: "ignore",
      timeout,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES_MAX,
      signal,
    },
  );
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) return undefined;
  const rendered: unknown = JSON.parse(text);
  return Value.Check(Output, rendered) ? rendered : undefined;
}

interface Cache {
  get(key: string): Rendered | undefined;
  set(key: string, rendered: Rendered): void;
}

/** Forgets what was not asked for longest. */
function createCache(charsMax: number): Cache {
  const entries = new Map<string, Rendered>();
  let chars = 0;
  const drop = (key: string, { html }: Rendered) => {
    if (entries.delete(key)) chars -= html.length;
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (!found) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found;
    },
    set(key, rendered) {
      entries.set(key, rendered);
      chars += rendered.html.length;
      for (const [oldest, one] of entries) {
        if (chars <= charsMax) break;
        drop(oldest, one);
      }
    },
  };
}
