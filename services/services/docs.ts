// What `/docs` and the manifest say about the routes of the services manager.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const NAME: ParamDoc = {
  type: "string",
  required: true,
  description: "Name of the module, or else of its folder",
};

const DEPLOY =
  "{ name, steps: [{ step: validate | test | load | verify, status: passed | failed | skipped, detail?, ms }], deployed, hash, previousHash, id, nodeId }";

export const routeDocs: Record<string, RouteDocs> = {
  "GET /": {
    summary: "List live services and problems",
    detail:
      "Problems are the folders without a live module, or whose newest version is not live, each with the reason. `pinned` is the content of the folder in whose place an earlier version is live, `probationUntil` the time until which a deployed version is rolled back when it fails.",
    response:
      "{ modules: [{ name, dir, hash, pinned?, probationUntil?, lastError?, … }], count, problems: [{ dir, name?, state, error?, missing? }] }",
  },
  "POST /deploy": {
    summary: "Validate, test and load a service folder, in one step that leaves what is live when it fails",
    detail:
      "The folder is copied once; the copy is imported in a child process, its tests run there, and it is loaded and asked for its first plain GET route. A version that fails in the 5 minutes or 200 requests after is rolled back. With Accept: text/event-stream each step is sent as it begins and ends, then the answer as {type: result}. With an Idempotency-Key it is done once, and the same request within a day gets the first answer again.",
    body: {
      name: { type: "string", required: true, description: "Name of the module, or else of its folder" },
    },
    response: `200 ${DEPLOY}; 400 the same with error and code, the failed step last`,
  },
  "GET /deploys": {
    summary: "List deploys, newest first",
    query: {
      name: { type: "string", description: "Only those of this module or folder" },
      limit: { type: "integer", description: "At most so many; 50 is the default, 500 the most" },
      cursor: { type: "string", description: "nextCursor of the page before" },
    },
    response: "{ deploys: [Deploy], count, nextCursor? }",
  },
  "GET /deploys/:id": {
    summary: "Read one deploy",
    params: { id: { type: "string", required: true, description: "Its id" } },
    response: `${DEPLOY} with at, by, rolledBackAt?`,
  },
  "POST /:name/rollback": {
    summary: "Make an earlier deployed version live",
    detail:
      "The version is pinned: it stays live, over restarts too, as long as the folder holds what was rolled back from. Reloading the service by name, or a deploy, ends that. The last 5 deployed versions are kept. 409 when there is no earlier one.",
    params: { name: NAME },
    body: {
      hash: { type: "string", description: "Of the version; by default the one before the current" },
    },
    response: '{ name, action: "rolled_back", from, to, nodeId }',
  },
  "GET /export/:name": {
    summary: "Download a service's folder as a packed tar that another reef can install",
    detail:
      "The same content gives the same bytes. The headers X-Service-Name, X-Service-Hash and X-Service-Description (percent-encoded) tell what it is. 404 for a module without a folder.",
    params: { name: NAME },
    response: "application/gzip",
  },
  "POST /check": {
    summary: "Say which of some capabilities this reef has",
    body: {
      capabilities: { type: "string[]", required: true, description: "At least one, e.g. cron.schedule" },
    },
    response: "{ canGerminate, met, missing, substrate: capabilities }",
  },
  "POST /seeds/register": {
    summary: "Register a seed, the description of a service by its content hash",
    detail: "409 when there is one of this hash.",
    body: {
      contentHash: { type: "string", required: true, description: '"sha256:…"' },
      name: { type: "string", required: true, description: "Up to 200 characters" },
      versionLabel: { type: "string", description: "Up to 200 characters" },
      method: { type: "string", description: "germination or graft" },
      requiredCapabilities: { type: "string[]", description: "What it cannot do without" },
      optionalCapabilities: { type: "string[]", description: "What it can use" },
      sourceUrl: { type: "string", description: "Where it comes from" },
    },
    response: '201 { action: "registered", seed }',
  },
  "PATCH /seeds/:hash": {
    summary: "Say how well a registered seed was found to work",
    params: { hash: { type: "string", required: true, description: "Its content hash" } },
    body: {
      conformance: { type: "string", description: "The level that it reached" },
      testResults: { type: "object", description: "Any JSON object, up to 64 KiB" },
      lastVerified: { type: "string", description: "ISO 8601 time" },
    },
    response: '{ action: "updated", seed }',
  },
  "GET /conformance": {
    summary: "The seeds that were named in an install, with what is known of each",
    response:
      '{ v: "seed-spec/0.5", type: "conformance.manifest", timestamp, seeds: [{ name, content_hash, version_label, conformanceLevel, services, installedAt, capabilities: { implemented, missing }, testResults, lastVerified }], count }',
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
