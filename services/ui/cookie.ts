// The cookie that carries a session. Scripts cannot read it, and other sites cannot send it along with a write.
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { SESSION_SECONDS } from "./sessions.js";

const OPTIONS: CookieOptions = { path: "/", httpOnly: true, sameSite: "Lax" };

export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, nameFor(c));
}

export function setSessionCookie(c: Context, id: string, secure: boolean): void {
  setCookie(c, nameFor(c), id, { ...OPTIONS, maxAge: SESSION_SECONDS, secure });
}

export function clearSessionCookie(c: Context, secure: boolean): void {
  deleteCookie(c, nameFor(c), { ...OPTIONS, secure });
}

/** Cookies know no ports: under one name, two servers on one machine would sign each other's people out. */
function nameFor(c: Context): string {
  const { port } = new URL(c.req.url);
  return port === "" || port === "3000" ? "session" : `session_${port}`;
}
