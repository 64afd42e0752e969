// What `/docs` says about the routes of the dashboard.
import type { RouteDocs } from "#core/types.js";

export const routeDocs: Record<string, RouteDocs> = {
  "POST /auth/magic-link": {
    summary: "A link that signs a person in, once, within five minutes",
    response: "{ url, expiresAt }",
  },
  "GET /ui/login": {
    summary: "The sign-in page",
    query: { token: { type: "string", description: "The secret of a link" } },
    response: "text/html",
  },
  "POST /ui/login": {
    summary: "Use a link: opens a session and sets its cookie",
    body: { token: { type: "string", required: true, description: "The secret of a link" } },
    response: "{ expiresAt }, or for a form a redirect to the dashboard",
  },
  "POST /ui/logout": {
    summary: "End the session, with its streams and panels",
    query: { all: { type: "boolean", description: "End every session" } },
  },
  "GET /ui/session": { summary: "Who looks at the dashboard", response: "{ mode, expiresAt, offline }" },
  "GET /ui/panels": {
    summary: "The services with a panel",
    response: "{ panels: [{ name, title, version }], count }",
  },
  "GET /ui/panel/:name": { summary: "A panel's sandboxed document", response: "text/html" },
  "ALL /ui/p/:cap/api/*": { summary: "What a panel's script may call" },
  "ALL /ui/api/*": { summary: "The other services, for the person who is signed in" },
  "GET /ui/static/:file": { summary: "A file of the dashboard" },
  "GET /ui/report/:id": { summary: "Leads to a report in the dashboard" },
  "GET /ui": { summary: "The dashboard", response: "text/html" },
  "GET /ui/": { summary: "The dashboard", response: "text/html" },
  "GET /": { summary: "Leads browsers to the dashboard" },
};
