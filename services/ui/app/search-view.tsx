// Search over the texts of all nodes, on the server; tasks and panels by name beside it.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { now } from "./clock.js";
import { lineOf } from "./feed-node.js";
import { ago, exact } from "./format.js";
import { Icon } from "./icons.tsx";
import { kindOf, wordOf } from "./kinds.js";
import { isQuiet } from "./layout.js";
import { Loading } from "./loading.tsx";
import { nodeLink, route, viewLink } from "./route.js";
import { panels, tasks } from "./state.js";
import { hitsIn } from "./texts.js";
import type { TreeNode } from "./types.js";
import { useLoaded } from "./use-loaded.js";

const WAIT_MS = 200;
const PAGE = 50;
const SHOWN_MAX = 200;

interface Results {
  results: { node: TreeNode; snippet: string }[];
  nextCursor?: string;
}

export function SearchView() {
  const { query } = route.value;
  const typed = useSignal(query.get("q") ?? "");
  const asked = useSignal(typed.peek().trim());
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  // Another address asks something else, whatever is typed here.
  useEffect(() => {
    typed.value = query.get("q") ?? "";
    asked.value = typed.value.trim();
  }, [query, typed, asked]);
  const text = typed.value;
  useEffect(() => {
    // The address is left alone unless something else is asked: it may be on its way to a result.
    if (text.trim() === asked.peek()) return;
    const timer = setTimeout(() => {
      asked.value = text.trim();
      // So that coming back from a result finds the search again.
      history.replaceState(
        null,
        "",
        text.trim() === "" ? "#/search" : `#/search?q=${encodeURIComponent(text.trim())}`,
      );
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }, [text, asked]);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Search</h1>
        <input
          ref={field}
          class="wide"
          type="search"
          placeholder='Words, or "a phrase"'
          aria-label="Search the tree"
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </div>
      {asked.value === "" ? (
        <p class="empty">Every prompt, reply, call, result and event can be found.</p>
      ) : (
        <>
          <Names text={asked.value.toLowerCase()} />
          <Found key={asked.value} q={asked.value} />
        </>
      )}
    </div>
  );
}

function Names({ text }: { text: string }) {
  const named = [...tasks.value.values()].filter(({ name }) => name.toLowerCase().includes(text)).slice(0, 5);
  const shown = panels.value.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(text));
  if (named.length + shown.length === 0) return null;
  return (
    <p class="card-line">
      {named.map(({ name, leafId }) => (
        <a key={name} class="chip" href={nodeLink(leafId)}>
          task {name}
        </a>
      ))}
      {shown.map(({ name }) => (
        <a key={name} class="chip" href={viewLink("panel", name)}>
          panel {name}
        </a>
      ))}
    </p>
  );
}

function Found({ q }: { q: string }) {
  const limit = useSignal(PAGE);
  const loaded = useLoaded<Results>(`/reef/search?limit=${limit.value}&q=${encodeURIComponent(q)}`);
  return (
    <Loading of={loaded}>
      {({ results, nextCursor }) => (
        <>
          {/* The end of a turn repeats its last reply. */}
          {results.length === 0 && <p class="empty">Nothing holds all of these words.</p>}
          <ul class="cards">
            {results
              .filter(({ node }) => !isQuiet(node))
              .map(({ node, snippet }) => (
                <Result key={node.id} node={node} snippet={snippet} q={q} />
              ))}
          </ul>
          {nextCursor && limit.value < SHOWN_MAX && (
            <button type="button" onClick={() => (limit.value = SHOWN_MAX)}>
              Show more
            </button>
          )}
          {nextCursor && limit.value >= SHOWN_MAX && (
            <p class="muted">The newest {results.length} are shown; more words find fewer.</p>
          )}
        </>
      )}
    </Loading>
  );
}

function Result({ node, snippet, q }: { node: TreeNode; snippet: string; q: string }) {
  return (
    <li class={`card kind-${kindOf(node)}`}>
      <div class="card-line">
        <Icon sign={kindOf(node)} class="sign" />
        <span class="muted">{wordOf(node)}</span>
        <a class="card-title" href={nodeLink(node.id)}>
          {lineOf(node)}
        </a>
        <time class="muted" title={exact(node.timestamp)}>
          {ago(node.timestamp, now.value)}
        </time>
      </div>
      <p class="muted snippet">
        {hitsIn(snippet, q).map(({ text, isHit, at }) => (isHit ? <mark key={at}>{text}</mark> : text))}
      </p>
    </li>
  );
}
