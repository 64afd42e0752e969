// The runs of cron in the tree: one node for each fire, under it how it ended, and what is found there again after a
// restart. Without a tree nothing is recorded and nothing found.
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ServiceContext } from "#core/types.js";
import type { Outcome, Run } from "./job.js";

const DONE_CHARS_MAX = 500;
/** A run without its node began moments before the server died, so the node, if there is one, is among the newest. */
const NEWEST_LOOKED_AT = 1000;
/** Greater than the number of any node. */
const ANY_SEQ = 999_999_999_999_999;

const Node = Type.Object({
  id: Type.String(),
  parentId: Type.Union([Type.String(), Type.Null()]),
  taskId: Type.Optional(Type.String()),
  content: Type.String(),
  eventType: Type.Optional(Type.String()),
  meta: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
const Main = Type.Object({ refs: Type.Object({ main: Type.Optional(Type.String()) }) });
const Newest = Type.Object({ nodes: Type.Record(Type.String(), Node) });
const Effects = Type.Object({ effects: Type.Array(Node), nextCursor: Type.Optional(Type.String()) });

export type FoundNode = Static<typeof Node>;

export interface Nodes {
  /** The node of a run, of a skipped or a missed fire: the one that is there already, else a new one. Empty without a tree. */
  begin(run: Run, options?: { mayExist?: boolean }): Promise<string>;
  end(run: Run, outcome: Outcome): Promise<void>;
  /** The first node of one of the types that `id` has led to and that fits. */
  effect(
    id: string,
    types: readonly string[],
    fits?: (node: FoundNode) => boolean,
  ): Promise<FoundNode | undefined>;
}

export function createNodes(ctx: Pick<ServiceContext, "record" | "withCause" | "fetch">): Nodes {
  async function read<T extends TSchema>(schema: T, path: string): Promise<Static<T> | undefined> {
    const response = await ctx.fetch(path);
    const answer: unknown = response.ok ? await response.json() : undefined;
    return Value.Check(schema, answer) ? answer : undefined;
  }

  async function record(run: Run, event: { type: string; content: string }, parentId: string | undefined) {
    const { id: runId, jobId, jobName, jobType } = run;
    const whole = { ...event, source: "cron", parentId, runId, jobId, jobName, jobType };
    const cause = run.causeId ?? parentId;
    const recorded = cause === undefined ? ctx.record(whole) : ctx.withCause(cause, () => ctx.record(whole));
    return (await recorded)?.nodeId ?? "";
  }

  async function existing(run: Run): Promise<string | undefined> {
    const path = `/reef/tree?before=${ANY_SEQ}&limit=${NEWEST_LOOKED_AT}`;
    const { nodes = {} } = (await read(Newest, path)) ?? {};
    const { type } = beginning(run);
    return Object.values(nodes).find(({ meta, eventType }) => eventType === type && meta?.runId === run.id)
      ?.id;
  }

  return {
    async begin(run, { mayExist = false } = {}) {
      const found = mayExist ? await existing(run) : undefined;
      if (found !== undefined) return found;
      const parentId = run.parentId ?? (await read(Main, "/reef/tree?limit=1"))?.refs.main;
      return record(run, beginning(run), parentId);
    },
    async end(run, { output = "", error }) {
      if (!run.nodeId) return;
      const content = error ?? output.slice(0, DONE_CHARS_MAX).toWellFormed();
      const event = { type: error === undefined ? "cron_done" : "cron_error", content };
      await record({ ...run, causeId: run.nodeId }, event, run.nodeId);
    },
    async effect(id, types, fits = () => true) {
      const path = `/reef/tree/${encodeURIComponent(id)}/effects?limit=1000&types=${types.join(",")}`;
      for (let cursor = ""; ; ) {
        const page = await read(Effects, path + cursor);
        const found = page?.effects.find(fits);
        if (found || page?.nextCursor === undefined) return found;
        cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
      }
    },
  };
}

function beginning({ status, jobName, jobType, error, missedCount = 0 }: Run): {
  type: string;
  content: string;
} {
  const what = `${jobName} (${jobType})`;
  if (status === "skipped") return { type: "cron_skipped", content: `${what} skipped: ${error}` };
  if (status !== "missed") return { type: "cron_start", content: what };
  return {
    type: "cron_missed",
    content: `${what} missed ${missedCount} fire${missedCount === 1 ? "" : "s"}`,
  };
}
