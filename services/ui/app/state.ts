// What the dashboard knows: the parts that hold it, and how they hear of one another. Views read it, and call it to act.
import { batch, computed, signal } from "@preact/signals";
import { api, ask, messageOf } from "./api.js";
import { type Prompt, promptOf } from "./branch.js";
import { BranchView } from "./branch-view.js";
import { hearStep, stepIn } from "./deploy-steps.js";
import { layOut } from "./layout.js";

import { LiveTurns } from "./live-turns.js";
import { gathered } from "./soon.js";
import type { Connection } from "./stream.js";
import { TreeWindow } from "./tree-window.js";
import type {
  Frame,
  NamedTask,
  PanelInfo,
  ServiceProblem,
  ServiceStatus,
  SessionInfo,
  TreeNode,
  TreePage,
} from "./types.js";

/** Of tasks that were seen, the newest. */
const TASKS_HELD_MAX = 2_000;
/** Of one conversation; the branches beyond them are not counted. */
const PROMPTS_MAX = 1_000;
/** What changes often is asked for at most so often. */
const REFRESH_MS = 200;

export const session = signal<SessionInfo | undefined>(undefined);
export const isSignedOut = signal(false);
export const connection = signal<Connection>({ state: "connecting" });
/** Why nothing could be loaded at all. */
export const startError = signal<string | undefined>(undefined);
export const tasks = signal<ReadonlyMap<string, NamedTask>>(new Map());
export const pending = signal<readonly TreeNode[]>([]);
export const services = signal<readonly ServiceStatus[]>([]);
export const problems = signal<readonly ServiceProblem[]>([]);
export const panels = signal<readonly PanelInfo[]>([]);
export const arePanelsKnown = signal(false);
export const pendingCount = computed(() => pending.value.length);

export const liveTurns = new LiveTurns((paint) => requestAnimationFrame(paint));

export const branch = new BranchView({
  read: async (id) => (await api<Nodes>("GET", `/reef/tree/${encodeURIComponent(id)}/conversation`)).nodes,
  readTask: async (name) => (await api<Nodes>("GET", `/reef/tasks/${encodeURIComponent(name)}`)).nodes,
  leafOf: newestLeaf,
  readPrompts: promptsBelow,
});

export const tree = new TreeWindow({
  read: (query) => api<TreePage>("GET", `/reef/tree?${query}`),
  page: onPage,
  skipped: () => void branch.reload(),
});

export const feedLayout = computed(() => {
  tree.version.value;
  return layOut(tree.forest);
});

interface Nodes {
  nodes: TreeNode[];
}

export const refreshPending = gathered(async () => {
  pending.value = (await api<{ pending: TreeNode[] }>("GET", "/reef/pending")).pending;
}, REFRESH_MS);

export const refreshPanels = gathered(async () => {
  const answer = await ask("/ui/panels");
  const found = (await answer.json()) as { panels: PanelInfo[] };
  batch(() => {
    panels.value = found.panels;
    arePanelsKnown.value = true;
  });
}, REFRESH_MS);

export const refreshServices = gathered(async () => {
  const found = await api<{ modules: ServiceStatus[]; problems: ServiceProblem[] }>("GET", "/services");
  batch(() => {
    services.value = found.modules;
    problems.value = found.problems;
  });
}, REFRESH_MS);

/** All that the first view needs. */
export async function loadAll(): Promise<void> {
  await Promise.all([tree.loadFirst(), refreshPanels(), refreshPending()]);
}

export async function loadSession(): Promise<boolean> {
  try {
    session.value = (await (await ask("/ui/session")).json()) as SessionInfo;
    startError.value = undefined;
    return true;
  } catch (error) {
    if (!isSignedOut.value) startError.value = messageOf(error);
    return false;
  }
}

/** After a time without a connection: whatever was told meanwhile was not heard. */
export function catchUp(): void {
  liveTurns.forgetUnfinished();
  void refreshPanels();
  void refreshPending();
  if (services.value.length > 0) void refreshServices();
  void tree.loadFirst();
}

export function onFrame(frame: Frame): void {
  const { type, seq } = frame;
  if (type === "resync") return void tree.loadNewest().then(() => branch.reload());
  liveTurns.hear(frame);
  if (seq !== undefined) tree.announce(seq);
  const step = type === "service_deploy_step" ? stepIn(frame) : undefined;
  if (step && typeof frame.name === "string") hearStep(frame.name, step);
  else if (type === "ui_services_changed" || type.startsWith("service_")) {
    void refreshPanels();
    if (services.value.length > 0) void refreshServices();
  }
  if (type === "pending" || type === "answered" || type.startsWith("task_")) void refreshPending();
}

function onPage(page: TreePage): void {
  const nodes = Object.values(page.nodes);
  batch(() => {
    branch.hear(nodes);
    liveTurns.settle(nodes.reduce((newest, { seq }) => Math.max(newest, seq), 0));
    knowTasks(
      Object.entries(page.tasks).map(([name, task]) => ({
        ...task,
        name,
        leafId: page.refs[name] ?? task.nodeId,
      })),
    );
  });
}

export function knowTasks(found: readonly NamedTask[]): void {
  if (found.length === 0) return;
  const known = new Map(tasks.value);
  for (const task of found) known.set(task.name, task);
  if (known.size > TASKS_HELD_MAX) {
    const oldest = [...known.values()].sort((a, b) => a.createdAt - b.createdAt);
    for (const { name } of oldest.slice(0, known.size - TASKS_HELD_MAX)) known.delete(name);
  }
  tasks.value = known;
}

/** From the window, where that has all that came after it; else asked for. */
async function promptsBelow(first: TreeNode): Promise<Prompt[]> {
  if (tree.isAtEnd.value && tree.forest.oldest <= first.seq)
    return [...tree.forest.entries()].flatMap(({ role, node }) => (role === "user" && node ? [node] : []));
  const query = `types=user&limit=${PROMPTS_MAX}`;
  const path = `/reef/tree/${encodeURIComponent(first.id)}/effects?${query}`;
  return (await api<{ effects: TreeNode[] }>("GET", path)).effects.map(promptOf);
}

/** Where the conversation of a node ends, along what was said last; undefined where the window does not tell. */
function newestLeaf(nodeId: string): string | undefined {
  if (!tree.isAtEnd.value || !tree.forest.get(nodeId)?.node) return undefined;
  const layout = feedLayout.value;
  let leaf = nodeId;
  let at = [...tree.forest.path(nodeId)].find(({ role }) => role === "user");
  while (at) {
    const next = layout.continuations(at.id).at(-1);
    if (next) leaf = next.id;
    at = next;
  }
  return leaf;
}
