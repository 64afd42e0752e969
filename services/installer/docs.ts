// What `/docs` and the manifest say about the routes of the installer.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const NAME: ParamDoc = {
  type: "string",
  required: true,
  description: "Name of the module, or else of its folder",
};
const TOKEN: ParamDoc = {
  type: "string",
  description: "Token of the other reef; sent to that host only and never kept",
};
const STREAM =
  'With Accept: text/event-stream the answer comes step by step: {"type":"step", step, status, detail?, ms?} for fetch, check, packages, import and load, then {"type":"result", status, body}.';

export const routeDocs: Record<string, RouteDocs> = {
  "POST /install": {
    summary: "Install a service from git, a folder, an example or another reef",
    detail: `Give source, or from and name. Nothing changes unless all of it succeeds: fetched elsewhere, checked, imported in a child process, and only then moved in and loaded. ${STREAM}`,
    body: {
      source: {
        type: "string",
        description:
          "/path, ./path or ../path (a repository is cloned, another folder linked), git@host:path, ssh://host/path, https://host/path, host.tld/path, user/repo (GitHub), each but paths with @ref, or example:<name>",
      },
      from: { type: "string", description: "Another reef, http(s)://host[:port]" },
      name: {
        type: "string",
        description:
          "The folder's name; default the last segment of the source. With from, also the service to fetch",
      },
      token: TOKEN,
      ref: { type: "string", description: "Branch, tag or commit to fetch" },
      seed: { type: "string", description: "The seed that it is grown from, for the conformance list" },
      hash: { type: "string", description: "sha256:…; refuses any other content" },
    },
    response:
      "201 { name, dirName, source | from, type: git | local | fleet | example, action: installed, hash, commit? }",
  },
  "POST /update": {
    summary: "Fetch an installed service again and put the new version live",
    detail: `The old version serves until the new one does. 409 when the folder was changed, unless forced. ${STREAM}`,
    body: { name: NAME, token: TOKEN, force: { type: "boolean", description: "Overwrite local changes" } },
    response: "{ name, dirName, action: updated, hash, commit?, changed }",
  },
  "POST /remove": {
    summary: "Remove an installed service; what it wrote under DATA_DIR stays",
    detail:
      "Of a linked folder only the link goes. 409 with the dependents when others need it, unless forced.",
    body: { name: NAME, force: { type: "boolean", description: "Although others depend on it" } },
    response: "{ dirName, action: removed }",
  },
  "GET /installed": {
    summary: "List what was installed, from where and with which content",
    detail: "modified: the folder no longer holds what was installed.",
    response:
      "{ installed: [{ dirName, name, source, type, installedAt, ref?, commit?, hash, seed?, modified }], count }",
  },
  "GET /seeds": {
    summary: "List the seeds that installed services were grown from",
    response: "{ seeds: [{ seed, services, installedAt }], count }",
  },
  "GET /examples": {
    summary: "List the example services of reef's package",
    response: "{ examples: [{ name, description, installed }], count }",
  },
};
