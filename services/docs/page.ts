// The page: every service with its routes, readable without a script. What a module says of itself is text in it, never
// markup; `page.client.ts` adds the filter and the forms.
import { html, raw } from "hono/html";
import type { ParamDoc } from "#core/types.js";
import type { Assets } from "./assets.js";
import { createNames } from "./names.js";
import { pathParam, queryParams } from "./params.js";
import { filled, segmentsOf } from "./segments.js";
import type { RouteDoc, ServiceDoc } from "./service.js";

type Html = ReturnType<typeof html>;

export interface PageParts {
  services: readonly ServiceDoc[];
  files: Assets;
  /** False where reef has no token, and everybody on its machine may call it. */
  needsToken: boolean;
}

/** Requests of the page go through the dashboard's proxy where that is live and the viewer has a session. */
const DASHBOARD = "ui";

export function pageOf({ services, files, needsToken }: PageParts): string {
  const hasDashboard = services.some(({ name }) => name === DASHBOARD);
  const routes = services.flatMap((service) => service.routes).length;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>reef · API</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<link rel="stylesheet" href="/docs/ui/${files.style.file}">
<script type="module" src="/docs/ui/${files.script.file}"></script>
</head>
<body data-dashboard="${String(hasDashboard)}" data-needs-token="${String(needsToken)}">
<a class="skip" href="#services">Skip to the routes</a>
${header(counted(routes, "route"), counted(services.length, "service"))}
<div class="columns">
<nav aria-label="Services"><ul>${services.map(navEntry)}</ul></nav>
<main id="services">
${sections(services)}
<p class="nothing" hidden>No route matches. <button type="button" class="quiet">Show all</button></p>
</main>
</div>
</body>
</html>
`.toString();
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M8 15V8M8 11 3.5 7.5V3M8 9.5l4-3V2M8 8V2" fill="none" stroke="#0f8b8d" stroke-width="2" stroke-linecap="round"/></svg>`;

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function header(routes: string, services: string): Html {
  return html`<header>
<h1><a href="/docs/ui">${raw(ICON)}<b>reef</b> API</a></h1>
<div class="search" role="search">
<label class="unseen" for="filter">Filter routes</label>
<input id="filter" type="search" placeholder="Filter routes" autocomplete="off" spellcheck="false" aria-describedby="found">
<kbd aria-hidden="true">/</kbd>
</div>
<p id="found" role="status">${routes} of ${services}</p>
<details class="access" hidden>
<summary></summary>
<div class="sheet">
<p></p>
<label for="token">Token</label>
<input id="token" type="password" autocomplete="off" spellcheck="false">
<p class="note">Kept in the memory of this page, and gone with it.</p>
</div>
</details>
<a class="spec" href="/docs/openapi.json">OpenAPI</a>
</header>`;
}

function navEntry({ name, routes }: ServiceDoc): Html {
  return html`<li><a href="#${sectionId(name)}"><span>${name}</span> <small>${routes.length}</small></a></li>`;
}

/** No id of a route begins with a dash. */
function sectionId(name: string): string {
  return `-${name}`;
}

function sections(services: readonly ServiceDoc[]): Html[] {
  const nameOf = createNames();
  return services.map((service) => section(service, nameOf));
}

function section(service: ServiceDoc, nameOf: ReturnType<typeof createNames>): Html {
  const { name, description, routes, dependencies } = service;
  return html`<section class="service" aria-labelledby="${sectionId(name)}">
<div class="head">
<h2 id="${sectionId(name)}"><a href="#${sectionId(name)}">${name}</a></h2>
${badges(service)}
${description ? html`<p>${description}</p>` : ""}
${dependencies.length > 0 ? html`<p class="needs">Needs ${dependencies.join(", ")}</p>` : ""}
</div>
${routes.length > 0 ? routes.map((route) => routeOf(route, service, nameOf)) : html`<p class="empty">No routes.</p>`}
</section>`;
}

function badges({ auth, capabilities }: ServiceDoc): Html {
  const { hasTools, hasBehaviors, hasWidget, hasStore } = capabilities;
  const words = [
    !auth && "open",
    hasTools && "tools",
    hasBehaviors && "behaviors",
    hasWidget && "widget",
    hasStore && "store",
  ].filter((word) => word !== false);
  return html`<ul class="badges">${words.map((word) => html`<li>${word}</li>`)}</ul>`;
}

function routeOf(route: RouteDoc, service: ServiceDoc, nameOf: ReturnType<typeof createNames>): Html {
  const { method, path, summary, detail, response } = route;
  const isOpen = !service.auth || route.auth === false;
  return html`<details class="route" id="${nameOf(service.name, method.toLowerCase(), path)}" data-method="${method}" data-path="${path}" data-open="${String(isOpen)}">
<summary><span class="method" data-method="${method}">${method}</span> <span class="path"><code>${pathText(path)}</code>${
    route.auth === false ? html` <span class="badge">open</span>` : ""
  }</span> <span class="says">${summary ?? ""}</span></summary>
<div class="inside">
${detail ? html`<p class="detail">${detail}</p>` : ""}
${values("Path", "path", pathLines(route))}
${values("Query", "query", [...queryParams(path, route)])}
${values("Body", "body", Object.entries(route.body ?? {}))}
${response ? html`<h3>Answer</h3><pre class="answer">${response}</pre>` : ""}
${isBare(route) ? html`<p class="empty">Not documented.</p>` : ""}
</div>
</details>`;
}

function isBare({ summary, detail, params, query, body, response }: RouteDoc): boolean {
  return [summary, detail, params, query, body, response].every((part) => part === undefined);
}

/** Between slashes everything is a segment, and each is escaped. */
function pathText(path: string): Html {
  const marked = filled(path, ({ kind, text }) =>
    kind === "literal" ? html`${text}`.toString() : html`<var>${text}</var>`.toString(),
  );
  return raw(marked);
}

/** One line for each segment that a caller fills in, in the order of the path. */
function pathLines(route: RouteDoc): [string, ParamDoc][] {
  return segmentsOf(route.path).flatMap((segment): [string, ParamDoc][] => {
    if (segment.kind === "literal") return [];
    if (segment.kind === "rest")
      return [["*", { type: "string", required: false, description: "The rest of the path" }]];
    return [[segment.name, { ...pathParam(route, segment.name), required: !segment.isOptional }]];
  });
}

/** A list of values that a caller gives; the script adds an input to each line. */
function values(title: string, place: string, lines: [string, ParamDoc][]): Html | string {
  if (lines.length === 0) return "";
  return html`<h3>${title}</h3>
<ul class="values" data-in="${place}">${lines.map(line)}</ul>`;
}

function line([name, { type, required = false, description }]: [string, ParamDoc]): Html {
  return html`<li data-name="${name}" data-type="${type}" data-required="${String(required)}">
<code>${name}</code>
<span class="type">${type}${required ? html` <em>required</em>` : ""}</span>
<span class="meaning">${description}</span>
</li>`;
}
