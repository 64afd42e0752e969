// The feed beside the conversation of the selected node. On a narrow screen one of the two is shown at a time.
import "./feed.css";
import { BranchPane } from "./branch-pane.tsx";
import { FeedList } from "./feed-list.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { FirstRun } from "./first-run.tsx";
import { route } from "./route.js";
import { tree } from "./state.js";

export function FeedView() {
  const { nodeId, query } = route.value;
  const isBeside = nodeId !== undefined || query.has("new");
  return (
    <div class={isBeside ? "feed-layout with-branch" : "feed-layout"}>
      <h1 class="aside">Feed</h1>
      <section class="feed" aria-label="Feed">
        <FilterBar />
        <FeedBody />
      </section>
      <section class="branch" aria-label="Conversation">
        {nodeId === undefined ? <FirstRun /> : <BranchPane nodeId={nodeId} />}
      </section>
    </div>
  );
}

function FeedBody() {
  if (tree.isLoaded.value) return <FeedList />;
  if (tree.error.value === undefined) return <div class="skeleton" role="status" aria-label="Loading" />;
  return (
    <div class="empty" role="alert">
      <p>The tree could not be read: {tree.error.value}.</p>
      <button type="button" onClick={() => void tree.loadNewest()}>
        Try again
      </button>
    </div>
  );
}
