// What `/docs` and the manifest say about the routes of the services manager.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const NAME: ParamDoc = {
  type: "string",
  required: true,
  description: "Name of the module, or else of its folder",
};

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "List live services and problems",
    detail:
      "Problems are the folders without a live module, or whose newest version is not live, each with the reason.",
    response: "{ modules, count, problems: [{ dir, name?, state, error?, missing? }] }",
  },
  "GET /manifest": {
    summary: "Everything that this reef can do: services with their routes and tools, capabilities",
    response:
      "{ substrate: { capabilities }, services, routes, servicesWithTools, servicesWithBehaviors, servicesWithPanels, count }",
  },
  "POST /reload": {
    summary: "Take up new, changed and deleted service folders",
    detail: "What is unchanged stays as it is, unless forced. A service that was unloaded stays out.",
    query: { force: { type: "boolean", description: "Replace the unchanged ones too" } },
    response:
      "{ results: [{ name, action: added | updated | removed | unchanged }], errors: [{ dir, error }] }",
  },
  "POST /reload/:name": {
    summary: "Load a service folder, or replace its live version",
    detail:
      "Also brings back what was unloaded. When the new version does not load the answer is 400 with the reason, and the old one goes on.",
    params: { name: NAME },
    response: "{ name, action: added | updated }",
  },
  "DELETE /:name": {
    summary: "Unload a service; it stays out over restarts until it is reloaded by name",
    detail: "409 with the dependents when others need it, unless forced; those then wait for it.",
    params: { name: NAME },
    query: { force: { type: "boolean", description: "Although others depend on it" } },
    response: '{ name, action: "removed" }',
  },
};
