// The conversation that is shown: read when a node of another one is selected, and grown by what comes later.
import { batch, signal } from "@preact/signals";
import { continued, conversationOf, isPartOf, type Prompt, promptOf } from "./branch.js";
import type { TreeNode } from "./types.js";

export interface BranchViewOptions {
  /** The path to a node with every turn on it whole, in the order of `seq`. */
  read(nodeId: string): Promise<TreeNode[]>;
  /** The conversation of a task as it stands. */
  readTask(name: string): Promise<TreeNode[]>;
  /** Where the conversation of a node ends by now, as far as the feed knows. */
  leafOf(nodeId: string): string | undefined;
  /** All prompts below this one, those of other branches too. */
  readPrompts(first: TreeNode): Promise<Prompt[]>;
}

export class BranchView {
  readonly nodes = signal<readonly TreeNode[]>([]);
  /** Those by which the conversation, or one that forks from it, goes on. */
  readonly prompts = signal<readonly Prompt[]>([]);
  /** Whose conversation `nodes` are; undefined before the first was read. */
  readonly nodeId = signal<string | undefined>(undefined);
  readonly isLoading = signal(false);
  readonly error = signal<string | undefined>(undefined);
  readonly #options: BranchViewOptions;
  /** Of each read that is under way: what came meanwhile. */
  readonly #meanwhile = new Set<TreeNode[]>();
  #newestRead = 0;
  /** The node whose conversation could not be read last. */
  #failed: string | undefined;

  constructor(options: BranchViewOptions) {
    this.#options = options;
  }

  /** Shows the conversation of a node. One that shows it already is not read again. */
  async show(nodeId: string): Promise<void> {
    const isShown = this.nodeId.value === nodeId || isPartOf(this.nodes.value, nodeId);
    if (isShown && this.#failed !== nodeId) {
      batch(() => {
        this.#newestRead++;
        this.nodeId.value = nodeId;
        this.isLoading.value = false;
        this.error.value = undefined;
      });
      return;
    }
    await this.#load(nodeId);
  }

  /** Whether a node is on the way from the root to the end of what is shown, or belongs to a turn on it. */
  holds(nodeId: string): boolean {
    return this.nodes.value.some(({ id }) => id === nodeId);
  }

  /** Again, after nodes were passed over. */
  async reload(): Promise<void> {
    if (this.nodeId.value !== undefined) await this.#load(this.nodeId.value);
  }

  /** Nodes that came, of whatever conversation. */
  hear(newer: readonly TreeNode[]): void {
    for (const kept of this.#meanwhile) kept.push(...newer);
    const more = continued(this.nodes.value, newer);
    if (more.length > 0) this.nodes.value = [...this.nodes.value, ...more];
    this.prompts.value = withThose(this.prompts.value, newer, this.nodes.value);
  }

  async #load(nodeId: string): Promise<void> {
    const read = ++this.#newestRead;
    const meanwhile: TreeNode[] = [];
    this.#meanwhile.add(meanwhile);
    this.#failed = undefined;
    this.isLoading.value = true;
    try {
      const found = await this.#read(nodeId);
      const [first] = conversationOf(found).turns;
      const prompts = first ? await this.#options.readPrompts(first.user) : [];
      if (read !== this.#newestRead) return;
      batch(() => {
        this.nodes.value = [...found, ...continued(found, meanwhile)];
        this.prompts.value = withThose(prompts, meanwhile, this.nodes.value);
        this.nodeId.value = nodeId;
        this.error.value = undefined;
      });
    } catch (error) {
      if (read !== this.#newestRead) return;
      this.#failed = nodeId;
      this.error.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#meanwhile.delete(meanwhile);
      if (read === this.#newestRead) this.isLoading.value = false;
    }
  }

  /** To where it ends now, which for a node that the feed does not hold its task knows. */
  async #read(nodeId: string): Promise<TreeNode[]> {
    const leaf = this.#options.leafOf(nodeId);
    if (leaf !== undefined) return this.#options.read(leaf);
    const nodes = await this.#options.read(nodeId);
    const task = nodes.findLast(({ role }) => role === "user")?.taskId;
    if (task === undefined) return nodes;
    const whole = await this.#options.readTask(task);
    return whole.some(({ id }) => id === nodeId) ? whole : nodes;
  }
}

/** With the prompts among some nodes that hang under the branch. */
function withThose(
  prompts: readonly Prompt[],
  newer: readonly TreeNode[],
  branch: readonly TreeNode[],
): readonly Prompt[] {
  const known = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const ids = new Set(branch.map(({ id }) => id));
  for (const node of newer)
    if (node.role === "user" && ids.has(node.parentId ?? "")) known.set(node.id, promptOf(node));
  return known.size === prompts.length ? prompts : [...known.values()];
}
