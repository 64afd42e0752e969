// The page of a report, for visitors of a share link and for those with a token, and the page that is there when there is
// no report to see.
import { html, raw } from "hono/html";
import type { Rendered } from "./markdown.js";
import type { Report } from "./report.js";
import { STYLE } from "./theme.js";

/** Absolute addresses of a shared page and of its picture. */
export interface SharedAt {
  url: string;
  imageUrl: string;
}

export interface ReportPage {
  report: Pick<Report, "title" | "author" | "tags" | "createdAt">;
  rendered: Rendered;
  /** Undefined for a page that is not shared. */
  sharedAt?: SharedAt;
}

export function reportPage({ report, rendered, sharedAt }: ReportPage) {
  const { title, author, tags, createdAt } = report;
  const named = html`By <bdi>${author}</bdi> · <time datetime="${createdAt}">${createdAt.slice(0, 10)}</time>`;
  const chips = tags.map((tag) => html`<li><bdi>${tag}</bdi></li>`);
  return document(
    title,
    html`<main class="report-viewer">
<header><h1 dir="auto">${title}</h1><p>${named}</p>${tags.length > 0 ? html`<ul class="tags" aria-label="Tags">${chips}</ul>` : ""}</header>
<article dir="auto">
${raw(rendered.html)}</article>
</main>`,
    sharedAt && preview(report, rendered, sharedAt),
  );
}

/** One for every reason, so that nobody learns from it which one it is. */
export function deadLinkPage() {
  return document(
    "Nothing to see here",
    html`<main>
<h1>Nothing to see here</h1>
<p>One of these is so:</p>
<ul>
<li>This share link is invalid, expired, or has been revoked.</li>
<li>The report associated with this share link no longer exists.</li>
</ul>
</main>`,
  );
}

type Markup = ReturnType<typeof html>;

function document(title: string, body: Markup, head: Markup | string = "") {
  // A browser that is given no icon asks the server for one.
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
${head}
<style>${raw(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** What a chat shows of a link. */
function preview(
  { title, author }: ReportPage["report"],
  { summary }: Rendered,
  { url, imageUrl }: SharedAt,
) {
  return html`<meta name="author" content="${author}">
<meta name="description" content="${raw(summary)}">
<meta property="og:type" content="article">
<meta property="og:title" content="${title}">
<meta property="og:description" content="${raw(summary)}">
<meta property="og:url" content="${url}">
<meta property="og:image" content="${imageUrl}">
<meta property="og:image:type" content="image/svg+xml">
<meta property="og:image:width" content="1200">
<meta property="og:image:height" content="630">
<meta name="twitter:card" content="summary_large_image">
<meta name="twitter:title" content="${title}">
<meta name="twitter:description" content="${raw(summary)}">
<meta name="twitter:image" content="${imageUrl}">`;
}
