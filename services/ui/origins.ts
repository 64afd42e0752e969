// The names under which this server is reached, and the check that keeps out what pages of other sites send along with a
// person's cookie.
import type { Context } from "hono";
import { ReefError } from "#core/errors.js";
import type { Links } from "#core/http.js";

/** The public one, and the one of this request: one may come past the proxy that `VERS_PUBLIC_URL` stands for. */
export function originsOf(c: Context, links: Links): string[] {
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  return [...new Set([links.originOf(c), `${links.isSecure(c) ? "https" : "http"}://${host}`])];
}

/** Throws `forbidden` for a request that a page of another origin made. Programs send neither header, and pass. */
export function checkSameOrigin(c: Context, links: Links): void {
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  const isForeignSite = site !== undefined && site !== "same-origin" && site !== "none";
  const isForeignOrigin = origin !== undefined && !originsOf(c, links).includes(origin);
  if (isForeignSite || isForeignOrigin) throw new ReefError("forbidden", "Origin not allowed");
}
