// The panels of services: which there are, the sandboxed document around each, and what its script may call. A panel may
// have been written by an agent, so it gets what its service can do and nothing of the operator's.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import { type Links, routesOf } from "#core/http.js";
import type { ServiceContext, ServiceModule } from "#core/types.js";
import type { Capabilities } from "./capabilities.js";
import { readFragment } from "./fragment.js";
import { originsOf } from "./origins.js";
import { panelDocument, panelHeaders } from "./panel-document.js";
import { isAllowed } from "./panel-rules.js";
import { passOn } from "./proxy.js";

const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "X-Next-Cursor, ETag",
};
const PREFLIGHT = {
  ...CORS,
  "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "Access-Control-Allow-Headers":
    "accept, content-type, idempotency-key, if-match, if-none-match, last-event-id, lease-token, prefer, range",
  "Access-Control-Max-Age": "600",
};

export interface Panels {
  list(c: Context): Response;
  document(c: Context, sessionKey: string): Promise<Response>;
  api(c: Context): Promise<Response>;
}

interface Parts {
  capabilities: Capabilities;
  links: Links;
}

export function createPanels(ctx: ServiceContext, { capabilities, links }: Parts): Panels {
  const startedAt = new Date().toISOString();

  /** Documents that an earlier version of the dashboard gave out have lost their capabilities. */
  function versions(): Map<string, string> {
    const later = (at: string) => [startedAt, at].toSorted().at(-1) ?? at;
    return new Map(ctx.registry.list().map(({ name, loadedAt }) => [name, later(loadedAt)]));
  }

  return {
    list(c) {
      const loaded = versions();
      const panels = ctx
        .getModules()
        .filter(hasPanel)
        .map(({ name, description }) => ({ name, title: description ?? name, version: loaded.get(name) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      return c.json({ panels, count: panels.length });
    },
    async document(c, sessionKey) {
      const { name = "" } = c.req.param();
      const destination = c.req.header("sec-fetch-dest");
      if (destination !== undefined && destination !== "iframe")
        throw new ReefError("forbidden", "a panel is shown in the dashboard only");
      const module = ctx.getModule(name);
      if (!module || !hasPanel(module)) throw new ReefError("not_found", `"${name}" has no panel`);
      const fragment = await readFragment(ctx, module.name);
      const { secret } = capabilities.grant(module.name, sessionKey);
      const document = panelDocument({ name, fragment, secret, theme: c.req.query("theme") });
      const places = originsOf(c, links).map((origin) => `${origin}/ui/p/${secret}/`);
      return c.html(document, 200, panelHeaders(places));
    },
    async api(c) {
      if (c.req.method === "OPTIONS") return c.body(null, 204, PREFLIGHT);
      const answer = await called(c).catch(refusal);
      for (const [name, value] of Object.entries(CORS)) answer.headers.set(name, value);
      return answer;
    },
  };

  async function called(c: Context): Promise<Response> {
    const capability = capabilities.find(c.req.param("cap") ?? "");
    const module = capability && ctx.getModule(capability.service);
    if (!module) throw new ReefError("unauthorized", EXPIRED);
    const { pathname, search } = new URL(c.req.url);
    const path = pathname.replace(/^\/ui\/p\/[^/]*\/api/, "");
    if (!isAllowed(c.req.method, path, module))
      throw new ReefError("forbidden", "outside this panel's services");
    const as = { kind: "panel", panel: module.name } as const;
    return passOn(c, ctx, { path: path + search, as, ended: capability.ended, endedMessage: EXPIRED });
  }
}

const EXPIRED = "panel expired";

/** The routes say more than the docs, which may leave the panel out. */
function hasPanel(module: ServiceModule): boolean {
  return !module.mountAtRoot && routesOf(module).some(isPanelRoute);
}

function isPanelRoute({ method, relativePath }: { method: string; relativePath: string }): boolean {
  return relativePath === "/_panel" && (method === "GET" || method === "ALL");
}

/** Answered here, since a script of an opaque origin reads nothing that comes without the headers for it. */
function refusal(error: unknown): Response {
  if (!(error instanceof ReefError)) throw error;
  const { code, message, details, status } = error;
  return Response.json({ ...details, error: message, code }, { status, headers: { "X-Reef-Error": code } });
}
