// The frame of the page: the header, the view that the address names, and what lies over both.
import "./over.css";
import "./pages.css";
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Announcer } from "./announcer.tsx";
import { Banner } from "./banner.tsx";
import { Confirm } from "./confirm.tsx";
import type { Life } from "./connect.js";
import { FeedView } from "./feed-view.tsx";
import { Header } from "./header.tsx";
import { OverviewView } from "./overview-view.tsx";
import { Palette } from "./palette.tsx";
import { PanelView } from "./panel-view.tsx";
import { route, type View } from "./route.js";
import { SearchView } from "./search-view.tsx";
import { ServicesView } from "./services-view.tsx";
import { pendingCount } from "./state.js";
import { TasksView } from "./tasks-view.tsx";

const VIEWS: Record<View, () => preact.JSX.Element> = {
  feed: FeedView,
  tasks: TasksView,
  services: ServicesView,
  search: SearchView,
  overview: OverviewView,
  panel: PanelView,
};

export function Shell({ life }: { life: Life }) {
  const Current = VIEWS[route.value.view];
  useEffect(() => effect(nameTab), []);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <Header />
      <main id="main" class={`view view-${route.value.view}`} tabIndex={-1}>
        <Current />
      </main>
      <Banner life={life} />
      <Palette />
      <Confirm />
      <Announcer />
    </div>
  );
}

/** The browser's own tab says when somebody waits. */
function nameTab(): void {
  document.title = pendingCount.value > 0 ? `(${pendingCount.value}) reef` : "reef";
}
