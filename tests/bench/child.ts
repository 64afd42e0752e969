// Processes of the benchmarks' own: servers and load generators in `children/`, which are asked over IPC and end with
// whoever started them.
import type { Subprocess } from "bun";

const END_MS = 5_000;

export interface Child {
  /** Calls the child's function of that name. */
  ask<Answer>(name: string, input?: unknown): Promise<Answer>;
  end(): Promise<void>;
}

interface Question {
  id: number;
  name: string;
  input: unknown;
}

interface Reply {
  id: number;
  answer?: unknown;
  error?: string;
}

const running = new Set<Child>();

/** `url` names the script, as `import.meta.resolve` gives it. */
export function startChild(url: string): Child {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const script = Bun.fileURLToPath(url);
  const spawned: Subprocess = Bun.spawn([process.execPath, "--no-install", script], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (reply: Reply) => settle(waiting, reply),
    onExit: (_, code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${script} ended with ${signal ?? code}`));
    },
  });
  let asked = 0;
  const child: Child = {
    ask<Answer>(name: string, input?: unknown) {
      const id = ++asked;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      spawned.send({ id, name, input } satisfies Question);
      return answer.promise as Promise<Answer>;
    },
    async end() {
      running.delete(child);
      const late = setTimeout(() => spawned.kill("SIGKILL"), END_MS);
      spawned.kill("SIGTERM");
      await spawned.exited;
      clearTimeout(late);
    },
  };
  running.add(child);
  return child;
}

export async function endChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.end()));
}

/** In a child: what it can be asked for, by name. */
// biome-ignore lint/suspicious/noExplicitAny: each function says what it takes, and only the asking side can keep to it.
export function answer(functions: Record<string, (input: any) => unknown>): void {
  process.on("disconnect", () => process.exit());
  process.on("message", async ({ id, name, input }: Question) => {
    const reply = await replyTo(() => functions[name]?.(input));
    process.send?.({ id, ...reply } satisfies Reply);
  });
}

function settle(waiting: Map<number, PromiseWithResolvers<unknown>>, { id, answer, error }: Reply): void {
  const asked = waiting.get(id);
  waiting.delete(id);
  if (error === undefined) asked?.resolve(answer);
  else asked?.reject(new Error(error));
}

async function replyTo(work: () => unknown): Promise<Pick<Reply, "answer" | "error">> {
  try {
    return { answer: await work() };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
