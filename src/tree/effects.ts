// What a node led to: everything below it, everything that names one of those as its cause, and what that led to in turn.
import type { Statement } from "bun:sqlite";
import { Kept } from "./kept.js";
import type { RawNode, TreeNode, Usage } from "./node.js";
import type { Reached } from "./reached.js";
import { SeqSet } from "./seqset.js";
import type { Journal } from "./storage.js";
import { Pace, slices } from "./walk.js";

const NODES_PER_QUERY = 500;
const TOTALS_KEPT = 8;

/** Over all effects, whatever page or types were asked for. */
export interface EffectTotals {
  nodes: number;
  /** Tasks that have a turn among the effects. */
  tasks: number;
  toolCalls: number;
  /** Failed calls, failed tasks and failed cron runs. */
  errors: number;
  /** Summed over model messages; the sums on end nodes would count them twice. */
  usage: Usage;
}

export interface EffectsPage {
  node: TreeNode;
  effects: TreeNode[];
  more: boolean;
  totals: EffectTotals;
}

interface Counted {
  toolCalls: number;
  errors: number;
}

interface Running {
  totals: EffectTotals;
  /** By the seq of their first node. */
  tasks: SeqSet;
  upTo: number;
}

export class Effects {
  readonly #journal: Journal;
  readonly #counts: Statement<Counted, [string]>;
  readonly #tasks: Statement<{ created: number }, [string]>;
  readonly #usages: Statement<{ usage: string }, [string]>;
  readonly #kept = new Kept<number, Running>(TOTALS_KEPT);

  constructor(journal: Journal) {
    const listed = "FROM json_each(?) f CROSS JOIN nodes n ON n.seq = f.value";
    this.#journal = journal;
    this.#counts = journal.file.prepare(`SELECT total(n.role = 'tool_call') AS toolCalls,
      total(coalesce(n.isError, 0) OR coalesce(n.eventType, '') IN ('task_error', 'cron_error')) AS errors ${listed}`);
    this.#tasks = journal.file.prepare(
      `SELECT DISTINCT t.created ${listed} JOIN tasks t ON t.name = n.taskId WHERE n.role = 'user'`,
    );
    this.#usages = journal.file.prepare(`SELECT json_extract(n.more, '$.meta.usage') AS usage ${listed}
      WHERE n.role IN ('assistant', 'tool_call') AND json_type(n.more, '$.meta.usage') = 'object'`);
  }

  /** In `seq` order, behind the node itself: all its effects are newer. */
  async page(
    start: number,
    reached: Reached,
    page: { after: number; limit: number; types?: readonly string[] },
  ): Promise<{ effects: RawNode[]; more: boolean }> {
    const wanted = page.types && new Set(page.types);
    const effects: RawNode[] = [];
    const pace = new Pace();
    for (const slice of slices(reached.after(Math.max(start, page.after)), NODES_PER_QUERY)) {
      for (const node of this.#journal.listed(slice))
        if (wanted === undefined || wanted.has(node.role) || wanted.has(node.eventType ?? ""))
          effects.push(node);
      if (effects.length > page.limit) break;
      await pace.rest();
    }
    return { effects: effects.slice(0, page.limit), more: effects.length > page.limit };
  }

  /** Kept, so that going through many pages adds up each node once. */
  async totals(start: number, reached: Reached): Promise<EffectTotals> {
    const { totals } = await this.#kept.from(start, async (old = nothing(start)) => {
      const pace = new Pace();
      for (const slice of slices(reached.after(old.upTo), NODES_PER_QUERY)) {
        this.#add(old, slice);
        await pace.rest();
      }
      return { ...old, upTo: Math.max(old.upTo, reached.upTo) };
    });
    return { ...totals, usage: { ...totals.usage } };
  }

  #add({ totals, tasks }: Running, slice: number[]): void {
    const seqs = JSON.stringify(slice);
    const counted = this.#counts.get(seqs);
    totals.nodes += slice.length;
    totals.toolCalls += counted?.toolCalls ?? 0;
    totals.errors += counted?.errors ?? 0;
    for (const { created } of this.#tasks.all(seqs)) if (tasks.add(created)) totals.tasks++;
    for (const { usage } of this.#usages.all(seqs)) addUsage(totals.usage, JSON.parse(usage));
  }
}

function nothing(start: number): Running {
  const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: 0 };
  return { totals: { nodes: 0, tasks: 0, toolCalls: 0, errors: 0, usage }, tasks: new SeqSet(), upTo: start };
}

function addUsage(sum: Usage, usage: Partial<Usage>): void {
  for (const key of Object.keys(sum) as (keyof Usage)[]) {
    const value = usage[key];
    if (typeof value === "number") sum[key] += value;
  }
}
