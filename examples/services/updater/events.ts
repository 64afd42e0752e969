// What the updater tells: services hear `updater:<what>`, people see `updater_<what>` in the tree.
import { plainLine } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { HistoryEntry } from "./history.js";

type Bus = Pick<ServiceContext, "events">;

export function tellAvailable(
  { events }: Bus,
  found: { package: string; current: string; latest: string },
): void {
  const content = plainLine(`${found.package} ${found.latest} is available, ${found.current} runs`);
  events.fire("updater:available", found);
  events.fire("reef:event", { type: "updater_available", source: "updater", content });
}

export function tellOutcome({ events }: Bus, entry: HistoryEntry): void {
  const { from, to, status, error } = entry;
  if (status === "applied") {
    events.fire("updater:applied", entry);
    const content = plainLine(`Updated from ${from} to ${to}`);
    events.fire("reef:event", { type: "updater_applied", source: "updater", content });
    return;
  }
  events.fire("updater:failed", entry);
  const what = status === "rolled_back" ? `Update to ${to} taken back` : `Update to ${to} failed`;
  const content = plainLine(`${what}: ${error ?? "no reason is known"}`);
  events.fire("reef:event", { type: "updater_failed", source: "updater", content });
}
