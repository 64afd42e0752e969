// What `/docs` and the manifest say about the routes of reports.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const HEAD = "{ id, title, author, tags, createdAt, updatedAt }";
const REPORT = "{ id, title, author, content, tags, createdAt, updatedAt }";
const LINK = "{ linkId, reportId, createdAt, createdBy, expiresAt, label, revoked, accessCount }";

const id: Record<string, ParamDoc> = {
  id: { type: "string", required: true, description: "The report's id, in either case" },
};
const linkId: Record<string, ParamDoc> = {
  linkId: { type: "string", required: true, description: "The link's id" },
};
const PAGING: Record<string, ParamDoc> = {
  cursor: { type: "string", description: "The cursor of the page before" },
  limit: { type: "integer", description: "At most so many; 1000 by default, 5000 at most" },
  total: { type: "boolean", description: "true: also how many match in all" },
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /": {
    summary: "Write a report",
    detail: "400: title is required; author is required; content is required. ETag is its state.",
    body: {
      title: { type: "string", required: true, description: "Up to 500 characters" },
      author: { type: "string", required: true, description: "Up to 200 characters" },
      content: { type: "string", required: true, description: "Markdown, up to 2,000,000 characters" },
      tags: { type: "string[]", description: "Up to 50 of up to 100 characters" },
    },
    response: `201 ${REPORT}`,
  },
  "GET /": {
    summary: "List reports, newest first, without their content",
    query: {
      author: { type: "string", description: "Only of this author" },
      tag: { type: "string", description: "Only with this tag" },
      ...PAGING,
    },
    response: `{ reports: [${HEAD}], count, cursor, total? }; cursor is null at the end`,
  },
  "GET /:id": {
    summary: "One report",
    detail: "404: report not found. ETag is its state.",
    params: id,
    response: REPORT,
  },
  "PATCH /:id": {
    summary: "Change a report",
    detail:
      "What is not sent stays; null tags are none. With If-Match (the ETag) or ifUpdatedAt only over that state, else 412 report changed since it was read, with the report. 400: title cannot be empty; content cannot be empty. 404.",
    params: id,
    body: {
      title: { type: "string", description: "Up to 500 characters" },
      content: { type: "string", description: "Markdown, up to 2,000,000 characters" },
      tags: { type: "string[]", description: "All of them" },
      ifUpdatedAt: { type: "string", description: "The updatedAt on which the change is based" },
    },
    response: REPORT,
  },
  "DELETE /:id": {
    summary: "Remove a report, with its links and their logs",
    detail: "404: report not found.",
    params: id,
    response: "{ deleted: true }",
  },
  "GET /:id/html": {
    summary: "The page of a report, as a share link shows it",
    detail: "404: report not found.",
    params: id,
    response: "text/html",
  },
  "POST /:id/share": {
    summary: "Make a link with which anybody can read the report",
    detail:
      "Without expiresAt and expiresIn it does not expire; expiresAt wins, and may be past. 400: expiresAt must be a time. 404: report not found. 409: report has too many share links.",
    params: id,
    body: {
      createdBy: { type: "string", description: "Up to 200 characters; admin by default" },
      expiresAt: { type: "string", description: "A time, after which the link leads nowhere" },
      label: { type: "string", description: "For whom it is; up to 200 characters" },
      expiresIn: { type: "integer", description: "Seconds, 1 to 315,360,000" },
    },
    response: "201 { linkId, url }",
  },
  "GET /:id/shares": {
    summary: "The links of a report, newest first",
    detail: "404: report not found.",
    params: id,
    response: `{ links: [${LINK}], count }; expiresAt and label may be null, revoked is 0 or 1`,
  },
  "GET /share/:linkId": {
    summary: "The shared page, open to everybody",
    detail:
      "No scripts, and nothing from elsewhere. Each GET that shows it is noted; HEAD and prefetches are not. 404, the same page, for a link that is unknown, revoked or expired, or whose report is gone.",
    params: linkId,
    response: "text/html",
  },
  "GET /share/:linkId/og-image.svg": {
    summary: "The picture of the shared page, open to everybody",
    detail: "404: Not found.",
    params: linkId,
    response: "image/svg+xml, 1200 × 630",
  },
  "GET /share/:linkId/access": {
    summary: "Who has seen the shared page, newest first",
    detail: "404: share link not found.",
    params: linkId,
    query: PAGING,
    response:
      "{ log: [{ id, linkId, reportId, timestamp, ip, userAgent, referrer }], count, cursor, total? }; the last three may be null",
  },
  "DELETE /share/:linkId": {
    summary: "Revoke a link",
    detail: "404: share link not found. 400: link already revoked.",
    params: linkId,
    response: "{ revoked: true }",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
