// Where one is in the dashboard, as the address says it after `#`: a view, and what is selected in it.
import { signal } from "@preact/signals";

const VIEWS = ["feed", "tasks", "services", "search", "overview", "panel"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** The selected node, whose conversation is shown beside the feed. */
  nodeId?: string;
  /** The panel that is shown. */
  name?: string;
  /** What follows `?`, for views that take more. */
  query: URLSearchParams;
}

export const route = signal<Route>(readRoute(globalThis.location?.hash ?? ""));

/** Pure: `#/node/<id>`, `#/<view>`, `#/panel/<name>?…`; anything else is the feed. */
export function readRoute(hash: string): Route {
  const [path = "", ...rest] = hash.replace(/^#\/?/, "").split("?");
  const [first = "", second = ""] = path.split("/").map(decoded);
  const query = new URLSearchParams(rest.join("?"));
  if (first === "node" && second !== "") return { view: "feed", nodeId: second, query };
  const view = VIEWS.find((one) => one === first) ?? "feed";
  return second === "" || view === "feed" ? { view, query } : { view, name: second, query };
}

export function nodeLink(id: string): string {
  return `#/node/${encodeURIComponent(id)}`;
}

export function viewLink(view: View, name?: string): string {
  return name === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(name)}`;
}

export function go(hash: string): void {
  location.hash = hash;
}

/** Keeps `route` in step with the address. */
export function followAddress(): void {
  addEventListener("hashchange", () => {
    route.value = readRoute(location.hash);
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
