// What `/docs` and the manifest say about the routes of the documentation itself.
import type { RouteDocs } from "#core/types.js";

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "All live services with their routes",
    detail:
      "Routes are those that a service really has, documented or not. The documentation leaves itself out.",
    response:
      "{ services: [{ name, description, auth, routes, capabilities: { hasTools, hasBehaviors, hasWidget, hasStore }, dependencies }] }",
  },
  "GET /ui": {
    summary: "The same as a page, with forms that send requests",
    detail: "It loads nothing from elsewhere, and keeps a token that is typed into it in memory only.",
    response: "HTML",
  },
  "GET /ui/:file": {
    summary: "The page's style and script",
    params: {
      file: {
        type: "string",
        required: true,
        description: "As the page names it: with the hash of its content",
      },
    },
    response: "text/css or text/javascript",
  },
  "GET /openapi.json": {
    summary: "All live services as an OpenAPI 3.1 document",
    detail:
      "For generators of clients and other tools. Routes that take the rest of a path (`*`) have no place in it.",
    response: "{ openapi, info, servers, security, tags, paths, components }",
  },
  "GET /:service": {
    summary: "One service with its routes",
    params: { service: { type: "string", required: true, description: "Name of a live service, or `reef`" } },
    response: "{ name, description, auth, routes, capabilities, dependencies }",
  },
};
