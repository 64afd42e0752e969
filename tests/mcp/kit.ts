// A service for the tests of /mcp: tools of every kind, and a route that says who called.
import { Hono } from "hono";
import type { ServiceContext, ServiceModule, ToolResult } from "../../src/core/types.js";

export interface Kit extends ServiceModule {
  /** What happened to the tool `waits`, in order. */
  readonly seen: string[];
  /** Resolves once `seen` holds it so many times. */
  until(entry: string, times?: number): Promise<void>;
}

type Execute = (
  id: string,
  params: { text: string; size: number },
  signal: AbortSignal,
  onUpdate: (partial: ToolResult) => void,
  ctx: Record<string, unknown>,
) => Promise<unknown>;

export function createKit(): Kit {
  let context: ServiceContext | undefined;
  const seen: string[] = [];
  const looks = new Set<() => void>();
  const see = (entry: string) => {
    seen.push(entry);
    for (const look of looks) look();
  };
  const text = (value: string): ToolResult => ({ content: [{ type: "text", text: value }] });

  return {
    name: "kit",
    seen,
    until: (entry, times = 1) =>
      new Promise((resolve) => {
        const look = () => {
          if (seen.filter((one) => one === entry).length < times) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    routes: new Hono().all("/who", (c) => c.json({ caller: context?.caller(), cause: context?.cause() })),
    init(ctx) {
      context = ctx;
    },
    registerTools(pi, client) {
      const add = (name: string, execute: Execute, more: object = {}) =>
        pi.registerTool({ name, description: `The tool ${name}`, parameters: {}, execute, ...more } as never);
      const TEXT = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

      add(
        "echo",
        async (_id, params) => ({ ...text(params.text), details: { length: params.text.length } }),
        {
          label: "Echo",
          parameters: TEXT,
          annotations: { readOnly: true, openWorldHint: false, destructiveHint: "no" },
        },
      );
      add("throws", async () => {
        throw new Error("out of paint");
      });
      add("refuses", async () => client.err("no such colour"));
      add("whoami", async (id, _params, _signal, _update, ctx) => {
        const { caller, cause } = await client.api<{ caller: object; cause: string }>("GET", "/kit/who");
        return text(JSON.stringify({ id, ctx, name: client.agentName, caller, cause }));
      });
      add("post", async () => text(JSON.stringify(await client.api("POST", "/kit/who"))));
      add("administer", async () => text(JSON.stringify(await client.api("POST", "/reef/nonsense"))));
      add("steps", async (_id, _params, _signal, onUpdate) => {
        for (const step of ["one", "two", "x".repeat(5000)]) onUpdate(text(step));
        return text("done");
      });
      add("floods", async (_id, params, _signal, onUpdate) => {
        for (let step = 1; step <= params.size; step++) onUpdate(text(`step ${step}`));
        return text("done");
      });
      add("waits", async (_id, _params, signal) => {
        see("begun");
        const { promise, resolve } = Promise.withResolvers<void>();
        signal.addEventListener("abort", () => resolve());
        await promise;
        see("aborted");
        return text("too late");
      });
      add("late", async (_id, _params, signal) => {
        signal.addEventListener("abort", () => see("aborted after its end"));
        return text("quick");
      });
      add("big", async (_id, params) => ({
        ...text("b".repeat(params.size)),
        details: { again: "b".repeat(params.size) },
      }));
      add("picture", async () => ({
        content: [
          { type: "image", data: "aGk=", mimeType: "image/png", annotations: "odd" },
          { type: "image", data: "!", mimeType: "image/png" },
        ],
      }));
      add("odd", async () => "plain", {
        parameters: {
          properties: { anything: true, nothing: false, one: { type: "string" } },
          required: "one",
          additionalProperties: false,
        },
      });
    },
  };
}
