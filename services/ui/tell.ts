// Tells every dashboard that is open when a service comes, changes or goes: tabs appear and vanish with their services.
import type { ServiceContext } from "#core/types.js";

export function tellOfPanels({ events }: Pick<ServiceContext, "events">): void {
  for (const change of ["module:added", "module:updated", "module:removed"])
    events.on(change, ({ name }: { name: string }) =>
      events.fire("reef:frame", { type: "ui_services_changed", name }),
    );
}
