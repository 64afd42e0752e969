// What `/docs` and the manifest say about the routes of SkillHub.
import type { ParamDoc, RouteDocs } from "#core/types.js";
import type { ItemType } from "./item.js";

const PAGE: Record<string, ParamDoc> = {
  limit: { type: "integer", description: "At most so many; 1,000 when left out, up to 5,000" },
  cursor: { type: "string", description: "Where the page before ended" },
  total: { type: "boolean", description: "true adds total: how many there are in all" },
};
const ENABLED: ParamDoc = { type: "boolean", description: "Only those that are, or are not, enabled" };
const TAGS: ParamDoc = { type: "string[]", description: "At most 50 tags of 100 characters" };
const CHANGE = "{ id, type, name, version, action, timestamp }";

export const routeDocs: Record<string, RouteDocs> = {
  ...itemDocs("skill", "/items", "skills"),
  ...itemDocs("extension", "/extensions", "extensions"),
  "GET /manifest": {
    summary: "What agents are to have: everything that is enabled",
    detail: "revision is the id of the newest change, empty before the first.",
    response:
      "{ skills: [{name, version}], extensions: [{name, version}], revision, hashes: {skills: {name: hash}, extensions: {name: hash}} }",
  },
  "POST /sync": {
    summary: "Report what an agent has, and learn what it has to change",
    detail:
      "install for what it lacks; update when its version is lower or its hash is another one; remove for what the hub does not have or has disabled. Skills first, by name. What is reported replaces what the agent reported before. 400: agentId is required.",
    body: {
      agentId: { type: "string", required: true, description: "Whose report it is; up to 200 characters" },
      vmId: { type: "string", description: "The machine on which it runs" },
      skills: { type: "object[]", description: "[{name, version, hash?}], at most 1,000" },
      extensions: { type: "object[]", description: "The same" },
    },
    response: "{ updates: [{type, name, version, action, hash?}] }; hash only when hashes were reported",
  },
  "GET /agents": {
    summary: "What each agent has, as it last reported",
    detail: "Newest report first. The header X-Next-Cursor says where the list goes on.",
    query: PAGE,
    response: "{ agents: [{agentId, vmId?, skills, extensions, lastSync}], count }",
  },
  "GET /agents/:agentId": {
    summary: "What one agent has",
    detail: "404: agent not found.",
    params: { agentId: { type: "string", required: true, description: "As it calls itself" } },
    response: "{ agentId, vmId?, skills: [{name, version}], extensions: [{name, version}], lastSync }",
  },
  "GET /stream": {
    summary: "Follow the changes as server-sent events",
    detail: `Goes on after the header Last-Event-ID, else after since, else with what is new. Each frame is ${CHANGE} with an action of publish, update, remove, enable, disable. Control frames have a name and no id: resync (changes after that point are not kept any more) and bye. 503 beyond 1,000 streams.`,
    query: { since: { type: "string", description: "An id or a time" } },
    response: "text/event-stream",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};

function itemDocs(type: ItemType, path: string, key: string): Record<string, RouteDocs> {
  const isSkill = type === "skill";
  const one = isSkill ? "a skill" : "an extension";
  const shape = `{ id, name, version, description, content, publishedBy, publishedAt, updatedAt, ${isSkill ? "tags, " : ""}enabled, hash }`;
  const writers = isSkill ? "" : " For the server token, a session, or a task with scope admin; else 403.";
  const missing = `404: ${type} not found.`;
  const params: Record<string, ParamDoc> = {
    name: { type: "string", required: true, description: `Of ${one}` },
  };
  const changes: Record<string, ParamDoc> = {
    description: { type: "string", description: "What it is for; up to 65,536 characters" },
    ...(isSkill && { tags: TAGS }),
    enabled: { type: "boolean", description: "Whether agents are to have it" },
  };
  return {
    [`POST ${path}`]: {
      summary: `Publish ${one}, or its next version`,
      detail: `What is there already in the same form is answered unchanged. Of one that is there, what is not sent of ${isSkill ? "tags and " : ""}enabled stays. 400: name is required (likewise description, content, publishedBy), invalid name: X. 409 beyond 5,000.${writers}`,
      body: {
        name: { type: "string", required: true, description: "[A-Za-z0-9][A-Za-z0-9._-]{0,63}, without .." },
        description: {
          type: "string",
          required: true,
          description: "What it is for; up to 65,536 characters",
        },
        content: {
          type: "string",
          required: true,
          description: isSkill
            ? "The whole SKILL.md, with name and description in front; up to 1,000,000 characters"
            : "The whole file, TypeScript with a default export; up to 1,000,000 characters",
        },
        publishedBy: { type: "string", required: true, description: "Who publishes; up to 200 characters" },
        ...(isSkill && { tags: TAGS }),
        enabled: { type: "boolean", description: "Whether agents are to have it; true for a new one" },
      },
      response: `201 ${shape}`,
    },
    [`GET ${path}`]: {
      summary: `List ${key} with their content, by name`,
      query: {
        ...(isSkill && { tag: { type: "string", description: "Only those with this tag" } }),
        enabled: ENABLED,
        ...PAGE,
      },
      response: `{ ${key}: [${shape}], count, cursor }`,
    },
    [`GET ${path}/:name`]: {
      summary: `Read ${one}`,
      detail: missing,
      params,
      query: { version: { type: "integer", description: "As it was in this version" } },
      response: shape,
    },
    [`PATCH ${path}/:name`]: {
      summary: `Change ${one} without a new version`,
      detail: `${missing}${writers}`,
      params,
      body: changes,
      response: shape,
    },
    [`DELETE ${path}/:name`]: {
      summary: `Take ${one} out of the hub and away from all agents`,
      detail: `Its versions are kept. ${missing}${writers}`,
      params,
      response: "{ deleted: true }",
    },
    [`GET ${path}/:name/versions`]: {
      summary: `List the versions of ${one}, newest first`,
      detail: `The newest 100 of a name. ${missing}`,
      params,
      query: { deleted: { type: "boolean", description: "true: of former incarnations of the name, too" } },
      response: "{ versions: [{version, hash, publishedBy, publishedAt, bytes, incarnation}], count }",
    },
  };
}
