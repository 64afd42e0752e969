// What the registry tells of a machine: all of it to services, and to the tree what people want to know.
import { plainLine } from "#core/http.js";
import type { ServiceEventBus } from "#core/types.js";
import { isLive, type Status, type Vm } from "./vm.js";

export interface News {
  /** `before` is the entry in whose place it came. */
  registered(vm: Vm, before: Vm | undefined): void;
  updated(vm: Vm, statusBefore: Status): void;
  removed(vm: Vm): void;
  stale(vm: Vm): void;
}

export function createNews(events: Pick<ServiceEventBus, "fire">): News {
  const tell = (type: string, vm: Vm, content: string) =>
    events.fire("reef:event", {
      type,
      source: "registry",
      content: plainLine(`${vm.name} (${vm.role}) ${content}`),
      vmId: vm.id,
    });

  return {
    registered(vm, before) {
      events.fire("registry:vm_registered", { vm });
      // An agent that is there renews its entry with every prompt.
      if (before === undefined || isLive(before) !== isLive(vm))
        tell("registry_vm_registered", vm, `is ${vm.status} at ${vm.address}`);
    },
    updated(vm, statusBefore) {
      events.fire("registry:vm_updated", { vm });
      const why = vm.statusReason === undefined ? "" : ` (${vm.statusReason})`;
      if (vm.status !== statusBefore)
        tell("registry_vm_updated", vm, `went from ${statusBefore} to ${vm.status}${why}`);
    },
    removed(vm) {
      events.fire("registry:vm_removed", { vm });
      tell("registry_vm_removed", vm, "was removed");
    },
    stale(vm) {
      events.fire("registry:vm_stale", { vm });
      tell("registry_vm_stale", vm, `was last seen at ${vm.lastSeen}`);
    },
  };
}
