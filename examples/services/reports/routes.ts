// The routes of reports: written, read, listed, changed, removed, shown as a page and shared.
import { type Context, Hono } from "hono";
import {
  anyText,
  createLinks,
  etagOf,
  isoTime,
  listAnswer,
  passesIfMatch,
  readBrowse,
  readFields,
} from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { reportPage } from "./page.js";
import { reportsPanel } from "./panel.js";
import type { Renderer } from "./renderer.js";
import { CHANGE, REPORT, type Report, SHARE } from "./report.js";
import { createShareRoutes, shareUrl } from "./share-routes.js";
import type { Shares } from "./shares.js";
import type { Reports } from "./store.js";
import { PAGE_HEADERS } from "./theme.js";

const LIST = { list: "reports", filters: { author: anyText, tag: anyText } };

interface Parts {
  reports: Reports;
  shares: Shares;
  renderer: Renderer;
}

export function createRoutes(
  ctx: Pick<ServiceContext, "config" | "caller">,
  { reports, shares, renderer }: Parts,
): Hono {
  const links = createLinks(ctx);
  return new Hono()
    .route("/share", createShareRoutes({ shares, renderer, links }))
    .get("/_panel", (c) => c.html(reportsPanel()))
    .post("/", async (c) => reportAnswer(c, await reports.create(await readFields(c, REPORT)), 201))
    .get("/", (c) => listAnswer("reports", reports.list(readBrowse(c, LIST))))
    .get("/:id", (c) => reportAnswer(c, reports.read(c.req.param("id"))))
    .patch("/:id", async (c) => reportAnswer(c, await change(c, reports)))
    .delete("/:id", async (c) => {
      await reports.remove(c.req.param("id"));
      shares.sweep();
      return c.json({ deleted: true });
    })
    .get("/:id/html", async (c) => {
      const report = reports.read(c.req.param("id"));
      return c.html(reportPage({ report, rendered: await renderer.render(report) }), 200, PAGE_HEADERS);
    })
    .post("/:id/share", async (c) => {
      const { expiresAt, expiresIn, ...share } = await readFields(c, SHARE);
      const expiresMs = expiresAt ?? (expiresIn && Date.now() + expiresIn * 1_000);
      const linkId = await shares.share(c.req.param("id"), { ...share, expiresMs });
      return c.json({ linkId, url: shareUrl(links.originOf(c), linkId) }, 201);
    })
    .get("/:id/shares", (c) => {
      const links = shares.list(c.req.param("id"));
      return c.json({ links, count: links.length });
    });
}

function reportAnswer(c: Context, report: Report, status: 200 | 201 = 200): Response {
  return c.json(report, status, { ETag: etagOf(report.updatedAt) });
}

async function change(c: Context, reports: Reports): Promise<Report> {
  const { title, content, tags, ifUpdatedAt } = await readFields(c, CHANGE);
  const wanted = { title, content, tags: tags === null ? [] : tags };
  return reports.change(c.req.param("id") ?? "", wanted, ({ updatedAt }) => {
    const isBasedOn = ifUpdatedAt === undefined || isoTime(ifUpdatedAt) === updatedAt;
    return isBasedOn && passesIfMatch(c, etagOf(updatedAt));
  });
}
