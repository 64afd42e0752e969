// Full-text search over the tree: what a search finds, the newest first, as far as the index has come.
import { join } from "node:path";
import { ReefError } from "../core/errors.js";
import type { Log } from "../core/types.js";
import type { TreeNode } from "./node.js";
import { type Indexed, SearchIndex } from "./search-index.js";
import { expressionOf, fits, type SearchQuery } from "./search-query.js";
import { charsOf, textOf } from "./search-text.js";
import { isDamage, openShards } from "./shards.js";
import { snippetOf } from "./snippet.js";
import { Pace } from "./walk.js";

const FILE = "tree.search.sqlite";
const FOUND_PER_QUERY = 32;
/** Of text on one page; it ends early, since nodes may be large. */
const PAGE_CHARS_MAX = 8 * 1024 * 1024;

export interface Found {
  node: TreeNode;
  /** One line of its text around what was found. */
  snippet: string;
}

export interface FoundPage {
  found: Found[];
  more: boolean;
  /** Up to here every node was looked at. */
  indexedSeq: number;
}

export interface Search {
  /** The newest first, of the nodes under the seq `before`. */
  find(query: SearchQuery, page: { before?: number; limit: number }): Promise<FoundPage>;
  close(): Promise<void>;
}

export async function openSearch(options: { dir: string; tree: Indexed; log: Log }): Promise<Search> {
  const { dir, tree, log } = options;
  const shards = openShards(join(dir, FILE));
  const { seq, id } = shards.mark;
  const [newest] = await tree.listed([seq]);
  if (seq > 0 && newest?.id !== id) {
    log.warn("the search index is of another tree; making it again");
    shards.reset();
  }
  return new TreeSearch(tree, new SearchIndex(shards, tree, log));
}

class TreeSearch implements Search {
  readonly #tree: Indexed;
  readonly #index: SearchIndex;

  constructor(tree: Indexed, index: SearchIndex) {
    this.#tree = tree;
    this.#index = index;
  }

  async find(query: SearchQuery, page: { before?: number; limit: number }): Promise<FoundPage> {
    await this.#index.catchUp();
    this.#refuseClosed();
    const indexedSeq = this.#index.shards.mark.seq;
    if (query.phrases?.length === 0) return { found: [], more: false, indexedSeq };
    const before = Math.min(page.before ?? Number.MAX_SAFE_INTEGER, indexedSeq + 1);
    try {
      return { ...(await this.#look(query, before, page.limit)), indexedSeq };
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#index.recover(error);
      throw new ReefError("unavailable", "The search index is being made again", {}, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#index.close();
  }

  /** One more than the limit is looked for, to know whether there is more. */
  async #look(query: SearchQuery, before: number, limit: number): Promise<Omit<FoundPage, "indexedSeq">> {
    const found: Found[] = [];
    let chars = 0;
    for await (const node of this.#matching(query, before)) {
      if (found.length === limit || chars > PAGE_CHARS_MAX) return { found, more: true };
      found.push({ node, snippet: snippetOf(textOf(node), query.phrases ?? []) });
      chars += charsOf(node);
    }
    return { found, more: false };
  }

  async *#matching(query: SearchQuery, before: number): AsyncGenerator<TreeNode> {
    const { shards } = this.#index;
    const expression = expressionOf(query);
    const pace = new Pace();
    for (const shard of shards.reaching({ ...query, before })) {
      for (let below = before, seqs: number[] = []; ; below = seqs.at(-1) ?? 0) {
        this.#refuseClosed();
        seqs = shards.match(shard, expression, below, FOUND_PER_QUERY);
        for (const node of await this.#tree.listed(seqs)) {
          if (fits(node, query)) yield node;
          await pace.rest();
        }
        if (seqs.length < FOUND_PER_QUERY) break;
      }
      await pace.rest();
    }
  }

  #refuseClosed(): void {
    if (this.#index.isClosed) throw new ReefError("unavailable", "The search index is closed");
  }
}
