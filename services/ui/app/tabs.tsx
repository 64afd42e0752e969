// The ways to the views: one tab each, and one for each service with a panel. On a narrow screen they are a bar at the
// bottom, whose last button opens what does not fit.
import { useSignal } from "@preact/signals";
import { Dialog } from "./dialog.tsx";
import { Icon, type Sign } from "./icons.tsx";
import { route, type View, viewLink } from "./route.js";
import { panels, pendingCount } from "./state.js";

interface Tab {
  view: View;
  label: string;
  sign: Sign;
}

const TABS: readonly Tab[] = [
  { view: "feed", label: "Feed", sign: "feed" },
  { view: "tasks", label: "Tasks", sign: "tasks" },
  { view: "services", label: "Services", sign: "services" },
  { view: "overview", label: "Overview", sign: "overview" },
];

const BEHIND_MORE: readonly View[] = ["panel", "search"];

export function Tabs() {
  const isOpen = useSignal(false);
  const { view } = route.value;
  const close = () => {
    isOpen.value = false;
  };
  return (
    <nav class="tabs" aria-label="Views">
      {TABS.map(({ view: tab, label, sign }) => (
        <a key={tab} href={viewLink(tab)} aria-current={view === tab ? "page" : undefined}>
          <Icon sign={sign} class="narrow-only" />
          {label}
        </a>
      ))}
      {panels.value.length > 0 && <span class="tabs-rule wide-only" />}
      <PanelTabs class="wide-only" />
      <button
        type="button"
        class="quiet narrow-only"
        aria-current={BEHIND_MORE.includes(view) ? "page" : undefined}
        onClick={() => (isOpen.value = true)}
      >
        <Icon sign="more" />
        More
      </button>
      {isOpen.value && <More close={close} />}
    </nav>
  );
}

function More({ close }: { close: () => void }) {
  return (
    <Dialog label="More" close={close}>
      <div class="menu">
        <a href={viewLink("search")} onClick={close}>
          Search
        </a>
        {pendingCount.value > 0 && (
          <a href={viewLink("tasks")} onClick={close}>
            Questions ({pendingCount.value})
          </a>
        )}
        {panels.value.length > 0 && <h2>Panels</h2>}
        <PanelTabs chosen={close} />
      </div>
    </Dialog>
  );
}

interface PanelTabsProps {
  class?: string;
  /** Called with a click. */
  chosen?: () => void;
}

function PanelTabs({ class: name, chosen }: PanelTabsProps) {
  const { view, name: shown } = route.value;
  return panels.value.map((panel) => (
    <a
      key={panel.name}
      class={name}
      onClick={chosen}
      href={viewLink("panel", panel.name)}
      title={panel.title}
      aria-current={view === "panel" && shown === panel.name ? "page" : undefined}
    >
      {panel.name}
    </a>
  ));
}
