// What `/docs` and the manifest say about the routes of the registry.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import { ROLES, STATUSES } from "./vm.js";

const VM =
  "{ id, name, role, status, address, services?, metadata?, registeredBy, registeredAt, lastSeen, stale, statusReason? }";

const ID: Record<string, ParamDoc> = {
  id: { type: "string", required: true, description: "The id under which it was registered" },
};

const SERVICES: ParamDoc = {
  type: "object[]",
  description: "What listens there: { name, port, protocol? }; 1,000 at most",
};
const METADATA: ParamDoc = { type: "object", description: "Any object of up to 65,536 bytes of JSON" };
const STATUS = `One of ${STATUSES.join(", ")}`;

export const routeDocs: Record<string, RouteDocs> = {
  "POST /vms": {
    summary: "Register a machine",
    detail:
      "Over an entry that is paused, stopped or stale, anybody may register; over one that runs and is not stale, only who registered it, with upsert=true. Every field is taken from the body; registeredAt stays. 400 in this order: id is required; name is required; invalid role: X; invalid status: X; address is required; registeredBy is required. 409: VM already registered.",
    query: { upsert: { type: "boolean", description: "true: renew an entry of one's own that is live" } },
    body: {
      id: { type: "string", required: true, description: "Up to 200 characters" },
      name: { type: "string", required: true, description: "Up to 200 characters" },
      role: { type: "string", required: true, description: `One of ${ROLES.join(", ")}` },
      status: { type: "string", description: `${STATUS}; running when left out` },
      address: {
        type: "string",
        required: true,
        description: "Where others reach it; up to 2,048 characters",
      },
      registeredBy: { type: "string", required: true, description: "Who says so; up to 200 characters" },
      services: SERVICES,
      metadata: METADATA,
    },
    response: `201 ${VM}`,
  },
  "GET /vms": {
    summary: "List machines, newest registration first",
    detail:
      "status=running leaves out those that are stale; other queries keep them. 400 for a malformed value.",
    query: {
      role: { type: "string", description: "Only of this role" },
      status: { type: "string", description: "Only with this status" },
      limit: { type: "integer", description: "At most so many; 1,000 by default, 5,000 at most" },
      cursor: { type: "string", description: "The cursor of the page before" },
      total: { type: "boolean", description: "true: adds how many there are in all" },
    },
    response: `{ vms: [${VM}], count, cursor, total? }`,
  },
  "GET /vms/:id": {
    summary: "One machine",
    detail: "404: VM not found.",
    params: ID,
    response: VM,
  },
  "PATCH /vms/:id": {
    summary: "Change a machine",
    detail:
      "Says that it was seen, too. A status that is said clears its reason unless it brings one. 400: name cannot be empty; invalid status: X; address cannot be empty. 404: VM not found.",
    params: ID,
    body: {
      name: { type: "string", description: "Up to 200 characters" },
      status: { type: "string", description: STATUS },
      address: { type: "string", description: "Up to 2,048 characters" },
      services: { ...SERVICES, description: `${SERVICES.description}; replaced whole` },
      metadata: { ...METADATA, description: `${METADATA.description}; replaced whole` },
      statusReason: { type: "string", description: "Why it has its status; up to 65,536 characters" },
    },
    response: VM,
  },
  "DELETE /vms/:id": {
    summary: "Remove a machine",
    detail: "404: VM not found.",
    params: ID,
    response: "{ deleted: true }",
  },
  "POST /vms/:id/heartbeat": {
    summary: "Say that a machine is there",
    detail:
      "A body is ignored. A machine that stopped because its agent had finished (statusReason agent_end) runs again; one that was stopped otherwise, or paused, stays so. 404: VM not found.",
    params: ID,
    response: "{ id, lastSeen }",
  },
  "GET /discover/:role": {
    summary: "Machines of a role that run and are not stale, oldest registration first",
    detail: "An unknown role has none. At most 5,000.",
    params: { role: { type: "string", required: true, description: `One of ${ROLES.join(", ")}` } },
    response: `{ vms: [${VM}], count }`,
  },
  "GET /stats": {
    summary: "Count machines",
    detail: "Those that are stale count as stale only.",
    response: "{ total, running, paused, stopped, stale }",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
