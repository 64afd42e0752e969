// The registry over HTTP.
import { Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { anyText, asFlag, listAnswer, readBrowse, readFields, readQuery } from "#core/http.js";
import { registryPanel } from "./panel.js";
import type { Registry } from "./store.js";
import { CHANGE, REGISTRATION, type Vm } from "./vm.js";

const FILTERS = { role: anyText, status: anyText };

export function createRoutes(registry: Registry): Hono {
  return new Hono()
    .post("/vms", async (c) => {
      const input = await readFields(c, REGISTRATION);
      const { upsert = false } = readQuery(c, { upsert: asFlag });
      return c.json(await registry.register(input, { isUpsert: upsert }), 201);
    })
    .get("/vms", (c) => listAnswer("vms", registry.list(readBrowse(c, { list: "vms", filters: FILTERS }))))
    .get("/vms/:id", (c) => c.json(found(registry.read(c.req.param("id")))))
    .patch("/vms/:id", async (c) =>
      c.json(await registry.update(c.req.param("id"), await readFields(c, CHANGE))),
    )
    .delete("/vms/:id", async (c) => {
      await registry.remove(c.req.param("id"));
      return c.json({ deleted: true });
    })
    .post("/vms/:id/heartbeat", async (c) => c.json(await registry.beat(c.req.param("id"))))
    .get("/discover/:role", (c) => {
      const vms = registry.discover(c.req.param("role"));
      return c.json({ vms, count: vms.length });
    })
    .get("/stats", (c) => c.json(registry.stats()))
    .get("/_panel", (c) => c.html(registryPanel()));
}

function found(vm: Vm | undefined): Vm {
  if (!vm) throw new ReefError("not_found", "VM not found");
  return vm;
}
