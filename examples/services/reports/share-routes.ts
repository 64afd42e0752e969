// Share links over HTTP: for those who make them, and for visitors, who need nothing but the link.
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { type Links, listAnswer, readBrowse } from "#core/http.js";
import { ogImage } from "./og-image.js";
import { deadLinkPage, reportPage, type SharedAt } from "./page.js";
import type { Renderer } from "./renderer.js";
import type { Shares } from "./shares.js";
import { PAGE_HEADERS } from "./theme.js";

const LOG = { list: "views", filters: {} };

const IMAGE_HEADERS = {
  "Content-Type": "image/svg+xml; charset=utf-8",
  "Content-Security-Policy": "default-src 'none'; sandbox",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "X-Robots-Tag": "noindex",
  "Cache-Control": "max-age=300",
};

/** Open to everybody. */
export const PUBLIC_ROUTES = ["GET /share/:linkId", "GET /share/:linkId/og-image.svg"];

interface Parts {
  shares: Shares;
  renderer: Renderer;
  links: Links;
}

export function createShareRoutes({ shares, renderer, links }: Parts): Hono {
  return new Hono()
    .get("/:linkId", async (c) => {
      const linkId = c.req.param("linkId");
      const report = shares.open(linkId);
      if (!report) return deadLinkAnswer(c);
      const rendered = await renderer.render(report);
      // It may have been revoked meanwhile.
      if (isCounted(c) && !(await shares.noteView(linkId, visitorOf(c, links)))) return deadLinkAnswer(c);
      const sharedAt = sharedAtOf(links.originOf(c), linkId);
      return c.html(reportPage({ report, rendered, sharedAt }), 200, PAGE_HEADERS);
    })
    .get("/:linkId/og-image.svg", (c) => {
      const report = shares.open(c.req.param("linkId"));
      if (!report) throw new ReefError("not_found", "Not found");
      return c.body(ogImage(report), 200, IMAGE_HEADERS);
    })
    .get("/:linkId/access", (c) => listAnswer("log", shares.views(c.req.param("linkId"), readBrowse(c, LOG))))
    .delete("/:linkId", async (c) => {
      await shares.revoke(c.req.param("linkId"));
      return c.json({ revoked: true });
    });
}

export function shareUrl(origin: string, linkId: string): string {
  return `${origin}/reports/share/${linkId}`;
}

function sharedAtOf(origin: string, linkId: string): SharedAt {
  const url = shareUrl(origin, linkId);
  return { url, imageUrl: `${url}/og-image.svg` };
}

function deadLinkAnswer(c: Context) {
  return c.html(deadLinkPage(), 404, PAGE_HEADERS);
}

/** A browser that fetches a page in case somebody wants it has shown it to nobody. */
function isCounted(c: Context): boolean {
  const purpose = c.req.header("sec-purpose") ?? c.req.header("purpose") ?? "";
  return c.req.method === "GET" && !/\bprefetch\b/i.test(purpose);
}

function visitorOf(c: Context, links: Links) {
  const ip = links.addressOf(c);
  return { ip, userAgent: c.req.header("user-agent"), referrer: c.req.header("referer") };
}
