// The top of the page: the ways to the views, whether what one sees is live, what one should know of this server, and who
// waits for an answer.
import "./header.css";
import { Icon, type Sign } from "./icons.tsx";
import { nodeLink, route, viewLink } from "./route.js";
import { connection, pending, session } from "./state.js";
import { Tabs } from "./tabs.tsx";
import { nextTheme, type Theme, theme } from "./theme.js";

const THEME_SIGNS: Record<Theme, Sign> = { system: "auto", light: "light", dark: "dark" };
const LIGHTS = { connecting: "connecting", live: "live", lost: "offline" } as const;

export function Header() {
  return (
    <header class="header">
      <a class="brand" href={viewLink("feed")}>
        reef
      </a>
      <Tabs />
      <span class="grow" />
      <Light />
      <Known />
      <Waiting />
      <a
        class="button quiet"
        href={viewLink("search")}
        aria-label="Search (press /)"
        aria-current={route.value.view === "search" ? "page" : undefined}
      >
        <Icon sign="search" />
        <kbd class="wide-only">/</kbd>
      </a>
      <button
        class="quiet"
        type="button"
        onClick={nextTheme}
        title={`Theme: ${theme.value}`}
        aria-label={`Theme: ${theme.value}. Change it`}
      >
        <Icon sign={THEME_SIGNS[theme.value]} />
      </button>
    </header>
  );
}

/** What must not be mistaken: scripted answers for real ones, an open server for a closed one. */
function Known() {
  const { mode, offline } = session.value ?? {};
  return (
    <>
      {offline && (
        <span class="chip warn" title="No provider's key is set: the bundled model answers, from scripts">
          offline model
        </span>
      )}
      {mode === "dev" && (
        <span class="chip warn" title="VERS_AUTH_TOKEN is not set: whoever uses this machine is let in">
          no token: this machine only
        </span>
      )}
    </>
  );
}

/** Leads to the oldest question. */
function Waiting() {
  const [first] = pending.value;
  if (!first) return null;
  const count = pending.value.length;
  return (
    <a class="chip question" href={nodeLink(first.id)} title="Press a for the next one">
      {count} {count === 1 ? "question" : "questions"}
    </a>
  );
}

function Light() {
  const { state } = connection.value;
  return (
    <span class={`light ${state}`} role="status">
      <span class="light-word">{LIGHTS[state]}</span>
    </span>
  );
}
