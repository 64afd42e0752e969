// What `/docs` and the manifest say about the routes of the scaffold.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const service: Record<string, ParamDoc> = {
  name: {
    type: "string",
    required: true,
    description: "2 to 64 letters, digits and hyphens, the first a letter; other characters become hyphens",
  },
  description: { type: "string", description: "What the service is for; up to 65,536 characters" },
  routes: {
    type: "object[]",
    description:
      "Up to 1,000 of {method, path, description?, body?, response?}. method: GET, POST, PUT, PATCH or DELETE. path: / and then letters, digits and / _ : . -, with parameters as /:id. body: {field: {type, required?, description?}}, which is the query of a GET",
  },
  store: {
    type: 'boolean | "sqlite"',
    description:
      'true: a JSON file, written a moment after a change; "sqlite": what was answered is on disk; false, the default: none',
  },
  tools: { type: "boolean", description: "A tool for agents for each route" },
  panel: { type: "boolean", description: "A panel for the dashboard" },
  behaviors: { type: "boolean", description: "What happens by itself in each session of an agent" },
  dependencies: { type: "string[]", description: "Names of services that have to be live first" },
  requiresAuth: { type: "boolean", description: "false opens the service to callers without a token" },
  capabilities: { type: "string[]", description: "What it provides, such as metrics.record" },
  readme: { type: "boolean", description: "A README.md too" },
};

const ERRORS =
  '400: JSON body required; name is required (string); name must be at least 2 characters; name must start with a letter; "x" is a reserved service name; invalid route: …; invalid dependency: …; <field> must be ….';

export const routeDocs: Record<string, RouteDocs> = {
  "POST /preview": {
    summary: "Show the files of a new service",
    detail: `Writes nothing. ${ERRORS}`,
    body: service,
    response: "{ name, files: [{ path, content }], count }",
  },
  "POST /create": {
    summary: "Write the files of a new service and load it",
    detail: `A task needs the scope deploy, else 403. A service that does not load leaves its files. ${ERRORS} 409: service directory "x" already exists. 507: storage unavailable.`,
    body: { ...service, load: { type: "boolean", description: "false leaves it to a later deploy" } },
    response: "201 { name, files: [path], count, directory, loaded?, loadError? }",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
