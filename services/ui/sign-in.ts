// From a magic link to a session. Reading a link changes nothing, since mail scanners and previews read links too.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import { type Links, refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { clearSessionCookie, readSessionCookie, setSessionCookie } from "./cookie.js";
import { countFailures } from "./failures.js";
import { loginPage } from "./login-page.js";
import { checkSameOrigin } from "./origins.js";
import type { Session, Sessions } from "./sessions.js";

export const NO_SESSION = "Unauthorized — no session";

export interface SignIn {
  invite(c: Context): Promise<Response>;
  page(c: Context): Response | Promise<Response>;
  login(c: Context): Promise<Response>;
  logout(c: Context): Promise<Response>;
  /** The session of a request. In dev mode, without a server token, everyone who gets here has one that never ends. */
  sessionOf(c: Context): Session | DevSession | undefined;
}

/** Without a server token the kernel serves this machine alone. */
export interface DevSession {
  readonly key: "dev";
  readonly expiresAt: null;
  readonly ended: AbortSignal;
}

interface Parts {
  sessions: Sessions;
  links: Links;
}

export function createSignIn(ctx: ServiceContext, { sessions, links }: Parts): SignIn {
  const isDev = ctx.config.token === undefined;
  const dev: DevSession = { key: "dev", expiresAt: null, ended: new AbortController().signal };
  const failures = countFailures();

  function sessionOf(c: Context): Session | DevSession | undefined {
    if (isDev) return dev;
    const id = readSessionCookie(c);
    return id ? sessions.find(id) : undefined;
  }

  async function invite(c: Context): Promise<Response> {
    const { kind } = ctx.caller();
    if (kind === "anonymous") throw new ReefError("unauthorized", "Unauthorized");
    if (kind !== "server")
      throw new ReefError("forbidden", "Forbidden — only the server's own token makes links");
    const { token, expiresAt } = await sessions.invite();
    c.header("Cache-Control", "no-store");
    return c.json({
      url: `${links.originOf(c)}/ui/login?token=${token}`,
      expiresAt: new Date(expiresAt).toISOString(),
    });
  }

  function page(c: Context): Response | Promise<Response> {
    const token = c.req.query("token");
    if (token === undefined) return loginPage(c, { kind: "howto" });
    return loginPage(c, sessions.isInvited(token) ? { kind: "link", token } : { kind: "refused" });
  }

  async function login(c: Context): Promise<Response> {
    checkSameOrigin(c, links);
    const address = links.addressOf(c) ?? "";
    const { token, isForm } = await tokenIn(c);
    const wait = failures.wait(address);
    if (wait > 0) {
      if (isForm) return loginPage(c, { kind: "slow", wait });
      throw new ReefError("rate_limited", "too many failed logins", { retryAfter: wait });
    }
    const opened = await sessions.open(token);
    if (!opened) {
      failures.add(address);
      if (isForm) return loginPage(c, { kind: "refused" });
      throw new ReefError("unauthorized", "Invalid or expired link");
    }
    setSessionCookie(c, opened.id, links.isSecure(c));
    ctx.events.fire("reef:event", { type: "ui_login", content: `signed in from ${address}`, address });
    c.header("Cache-Control", "no-store");
    if (isForm) return c.redirect("/ui/", 303);
    return c.json({ expiresAt: new Date(opened.expiresAt).toISOString() });
  }

  async function logout(c: Context): Promise<Response> {
    const session = sessionOf(c);
    if (!session) throw new ReefError("unauthorized", NO_SESSION);
    checkSameOrigin(c, links);
    if (c.req.query("all") === "true") await sessions.endAll();
    else if (session.key !== "dev") await sessions.end(session.key);
    clearSessionCookie(c, links.isSecure(c));
    const address = links.addressOf(c) ?? "";
    ctx.events.fire("reef:event", { type: "ui_logout", content: `signed out from ${address}`, address });
    return wantsHtml(c) ? c.redirect("/ui/login", 303) : c.body(null, 204);
  }

  return { invite, page, login, logout, sessionOf };
}

export function wantsHtml(c: Context): boolean {
  return (c.req.header("accept") ?? "").includes("text/html");
}

/** A form of a browser, or JSON, whatever a program calls it. */
async function tokenIn(c: Context): Promise<{ token: string; isForm: boolean }> {
  const body = await c.req.text();
  const isJson = (c.req.header("content-type") ?? "").includes("json") || body.trimStart().startsWith("{");
  const token = isJson ? tokenOf(JSON.parse(body)) : new URLSearchParams(body).get("token");
  if (typeof token !== "string" || token === "") throw refused("token is required");
  return { token, isForm: !isJson };
}

function tokenOf(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw refused("Invalid JSON body");
  return "token" in body ? body.token : undefined;
}
