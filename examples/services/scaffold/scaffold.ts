// Makes services: shows what their files would be, or writes them into a folder of their own and loads that.
import { messageOf } from "#core/errors.js";
import { plainLine } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { addFolder } from "./folder.js";
import type { Plan } from "./plan.js";
import { type SkeletonFile, skeleton } from "./skeleton.js";

export interface Preview {
  name: string;
  files: SkeletonFile[];
  count: number;
}

export interface Creation {
  name: string;
  files: string[];
  count: number;
  /** Absolute. */
  directory: string;
  /** Whether it is live now. Left out when it was not to be loaded. */
  loaded?: boolean;
  loadError?: string;
}

export interface Scaffold {
  preview(plan: Plan): Preview;
  /** Resolves when the files are on disk. They stay although the new service does not load. */
  create(plan: Plan, options: { load: boolean }): Promise<Creation>;
  /** One line about the newest service; none when nothing was created since the start. */
  lines(): string[];
}

type ScaffoldContext = Pick<ServiceContext, "servicesDir" | "events" | "loadModule">;

export function createScaffold(
  ctx: ScaffoldContext,
  { now = Date.now }: { now?: () => number } = {},
): Scaffold {
  let newest: { name: string; at: number } | undefined;
  return {
    preview(plan) {
      const files = skeleton(plan);
      return { name: plan.name, files, count: files.length };
    },
    async create(plan, { load }) {
      const { name } = plan;
      const files = skeleton(plan);
      const directory = await addFolder(ctx.servicesDir, name, files);
      newest = { name, at: now() };
      const creation = { name, files: files.map(({ path }) => path), count: files.length, directory };
      ctx.events.fire("scaffold:created", creation);
      ctx.events.fire("reef:event", treeEvent(plan, files.length));
      return load ? { ...creation, ...(await loaded(ctx, name)) } : creation;
    },
    lines: () => (newest ? [`Scaffold: ${newest.name} created ${age(now() - newest.at)} ago`] : []),
  };
}

function treeEvent({ name, description }: Plan, count: number): Record<string, unknown> {
  const content = plainLine(`service created: ${name} (${count} files), ${description}`);
  return { type: "scaffold_created", source: "scaffold", content, service: name };
}

async function loaded(ctx: ScaffoldContext, name: string): Promise<Pick<Creation, "loaded" | "loadError">> {
  try {
    await ctx.loadModule(name);
    return { loaded: true };
  } catch (error) {
    return { loaded: false, loadError: messageOf(error) };
  }
}

const UNITS: readonly [unit: string, ms: number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
];

function age(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= size) ?? ["s", 1_000];
  return `${Math.max(0, Math.floor(ms / unitMs))}${unit}`;
}
