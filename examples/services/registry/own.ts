// The server's own entry in its registry: there while the server runs, and stopped when it goes.
import type { ServiceContext } from "#core/types.js";
import type { Registry } from "./store.js";
import { addressOf } from "./vm.js";

const BEAT_MS = 60_000;
const NAME = "reef";

/** Only a server that knows the id of its machine has one. */
export async function keepOwnEntry(ctx: ServiceContext, registry: Registry): Promise<void> {
  const { vmId: id, agentName: name = NAME } = ctx.config;
  if (id === undefined) return;
  const entry = {
    id,
    name,
    role: "infra",
    status: "running",
    address: addressOf(id),
    registeredBy: name,
  } as const;
  const register = () => registry.register(entry, { isOwn: true });
  const isReplaced = watchReplacing(ctx);
  ctx.onDispose("the server's own entry", async () => {
    if (registry.read(id) && !isReplaced()) await registry.update(id, { status: "stopped" });
  });
  ctx.setInterval(() => (registry.read(id) ? registry.beat(id) : register()), BEAT_MS);
  await register();
}

/** Whether this version goes because another one takes its place, while the server goes on. */
function watchReplacing({ events, name }: Pick<ServiceContext, "events" | "name">): () => boolean {
  let isDraining = false;
  let isStopping = false;
  events.on("module:draining", (module: { name: string }) => {
    if (module.name === name) isDraining = true;
  });
  events.on("reef:stopping", () => {
    isStopping = true;
  });
  return () => isDraining && !isStopping;
}
