// The routes of the dashboard. What needs a session says so in one place.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import type { Links } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import type { AppFiles } from "./app-files.js";
import type { Capabilities } from "./capabilities.js";
import { checkSameOrigin } from "./origins.js";
import { createPanels } from "./panels.js";
import { passOn } from "./proxy.js";
import type { Session } from "./sessions.js";
import { type DevSession, NO_SESSION, type SignIn, wantsHtml } from "./sign-in.js";

interface Parts {
  signIn: SignIn;
  links: Links;
  capabilities: Capabilities;
  app: AppFiles;
}

type Signed = (c: Context, session: Session | DevSession) => Response | Promise<Response>;

const READS = ["GET", "HEAD"];
/** The dashboard's own routes are not reached through itself, and `/` is one of them. */
const NOT_PROXIED = ["ui", "auth", ""];

export function createRoutes(ctx: ServiceContext, { signIn, links, capabilities, app }: Parts): Hono {
  const panels = createPanels(ctx, { capabilities, links });
  const session = (then: Signed) => (c: Context) => {
    const found = signIn.sessionOf(c);
    if (!found) throw new ReefError("unauthorized", NO_SESSION);
    return then(c, found);
  };
  const pageFor = (then: Signed) => (c: Context) => {
    const found = signIn.sessionOf(c);
    return found ? then(c, found) : c.redirect("/ui/login", 302);
  };

  return new Hono()
    .post("/auth/magic-link", signIn.invite)
    .get("/ui/login", signIn.page)
    .post("/ui/login", signIn.login)
    .post("/ui/logout", signIn.logout)
    .get("/ui/session", session(sessionAnswer))
    .get("/ui/panels", session(panels.list))
    .get(
      "/ui/panel/:name",
      session((c, { key }) => panels.document(c, key)),
    )
    .all("/ui/p/:cap/api/*", panels.api)
    .get("/ui/static/:file", app.file)
    .all("/ui/api/*", session(proxied))
    .get("/ui/report/:id", pageFor(report))
    .get(
      "/ui",
      pageFor((c) => c.redirect("/ui/", 308)),
    )
    .get("/ui/", pageFor(app.page))
    .get("/", (c) => (wantsHtml(c) ? c.redirect("/ui/", 302) : c.notFound()));

  function sessionAnswer(c: Context, { expiresAt }: Session | DevSession): Response {
    c.header("Cache-Control", "no-store");
    return c.json({
      mode: expiresAt === null ? "dev" : "session",
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      offline: ctx.config.model.offline,
    });
  }

  function proxied(c: Context, { ended }: Session | DevSession): Promise<Response> {
    if (!READS.includes(c.req.method)) checkSameOrigin(c, links);
    const { pathname, search } = new URL(c.req.url);
    const path = pathname.replace(/^\/ui\/api/, "");
    if (NOT_PROXIED.includes(serviceIn(path))) throw new ReefError("not_found", "not found");
    const as = { kind: "session" } as const;
    return passOn(c, ctx, { path: path + search, as, ended, endedMessage: NO_SESSION });
  }
}

function report(c: Context): Response {
  return c.redirect(`/ui/#/panel/reports?open=${encodeURIComponent(c.req.param("id") ?? "")}`, 302);
}

/** As any router might read it. */
function serviceIn(path: string): string {
  const [first = ""] = path.split("/").filter(Boolean);
  try {
    return decodeURIComponent(first);
  } catch (error) {
    if (error instanceof URIError) return first;
    throw error;
  }
}
