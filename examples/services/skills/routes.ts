// SkillHub over HTTP: the same routes for skills and for extensions, and what agents need of both.
import { type Context, Hono } from "hono";
import {
  anyText,
  asCount,
  asFlag,
  type Browse,
  listAnswer,
  readBrowse,
  readFields,
  readQuery,
  requireOperator,
  type TextPage,
} from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import {
  EXTENSION,
  EXTENSION_CHANGE,
  type ItemChange,
  type ItemType,
  type Published,
  SKILL,
  SKILL_CHANGE,
} from "./item.js";
import { skillsPanel } from "./panel.js";
import type { ItemFilter } from "./rows.js";
import type { Hub } from "./store.js";
import { SYNC } from "./sync.js";

/** What differs between the routes of skills and those of extensions. */
interface ItemRoutes {
  type: ItemType;
  path: string;
  /** Of the list. */
  key: string;
  published(c: Context): Promise<Published>;
  change(c: Context): Promise<ItemChange>;
  page(c: Context): Browse<ItemFilter>;
  /** Throws for who may not write. */
  checkWriter(): void;
}

export function createRoutes(hub: Hub, ctx: Pick<ServiceContext, "caller">): Hono {
  const app = new Hono()
    .get("/_panel", (c) => c.html(skillsPanel()))
    .get("/manifest", (c) => c.json(hub.manifest()))
    .get("/stream", (c) => hub.streams.open(c))
    .post("/sync", async (c) => c.json({ updates: await hub.sync(await readFields(c, SYNC)) }))
    .get("/agents", (c) => agentsAnswer(hub.agents(readBrowse(c, { list: "agents", filters: {} }))))
    .get("/agents/:agentId", (c) => c.json(hub.agent(c.req.param("agentId"))));
  addItems(app, hub, {
    ...{ type: "skill", path: "/items", key: "skills" },
    published: (c) => readFields(c, SKILL),
    change: (c) => readFields(c, SKILL_CHANGE),
    page: (c) => readBrowse(c, { list: "skills", filters: { tag: anyText, enabled: asFlag } }),
    checkWriter: () => undefined,
  });
  addItems(app, hub, {
    ...{ type: "extension", path: "/extensions", key: "extensions" },
    published: (c) => readFields(c, EXTENSION),
    change: (c) => readFields(c, EXTENSION_CHANGE),
    page: (c) => readBrowse(c, { list: "extensions", filters: { enabled: asFlag } }),
    // Agents run it as code.
    checkWriter: () => requireOperator(ctx.caller()),
  });
  return app;
}

function addItems(app: Hono, hub: Hub, routes: ItemRoutes): void {
  const { type, path, key, checkWriter } = routes;
  app
    .post(path, async (c) => {
      checkWriter();
      return c.json(await hub.publish(type, await routes.published(c)), 201);
    })
    .get(path, (c) => listAnswer(key, hub.list(type, routes.page(c))))
    .get(`${path}/:name`, (c) => {
      const { version } = readQuery(c, { version: asCount });
      return c.json(hub.read(type, nameIn(c), version));
    })
    .patch(`${path}/:name`, async (c) => {
      checkWriter();
      return c.json(await hub.change(type, nameIn(c), await routes.change(c)));
    })
    .delete(`${path}/:name`, async (c) => {
      checkWriter();
      await hub.remove(type, nameIn(c));
      return c.json({ deleted: true });
    })
    .get(`${path}/:name/versions`, (c) => {
      const { deleted } = readQuery(c, { deleted: asFlag });
      const versions = hub.versions(type, nameIn(c), deleted);
      return c.json({ versions, count: versions.length });
    });
}

function nameIn(c: Context): string {
  return c.req.param("name") ?? "";
}

/** `{agents, count, total?}`; where the list goes on is in `X-Next-Cursor`. */
function agentsAnswer({ texts, cursor, total }: TextPage): Response {
  const rest = JSON.stringify({ count: texts.length, ...(total !== undefined && { total }) });
  return new Response(`{"agents":[${texts.join(",")}],${rest.slice(1)}`, {
    headers: { "Content-Type": "application/json", ...(cursor !== null && { "X-Next-Cursor": cursor }) },
  });
}
