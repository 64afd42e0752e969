// What `/docs` and the manifest say about the routes of the updater.
import type { RouteDocs } from "#core/types.js";

const CHECKED = "{ package, current, latest, updateAvailable }";

export const routeDocs: Record<string, RouteDocs> = {
  "GET /status": {
    summary: "Which reef runs, which is the newest, and how updates went",
    detail:
      "latest and lastChecked are null before the first look. pollInterval is in minutes, 0 = never. history: the newest 200, each { from, to, at, status: applied, rolled_back or failed, error? }. error: why the last look by itself failed.",
    response:
      "{ package, current, latest, updateAvailable, lastChecked, checking, applying, pollInterval, autoApply, history, error? }",
  },
  "POST /check": {
    summary: "Look for a newer reef now",
    detail: "409: Already checking. 502 with the reason when the registry does not answer as it should.",
    response: CHECKED,
  },
  "POST /apply": {
    summary: "Update to the newest reef and restart",
    detail:
      "For the server token, a session, or a task with scope admin; else 403. Looks first. Answers when the new version is ready, and reef restarts right after; GET /updater/status then says how it went. 409: Already applying; not installed from npm: update with git. 502: the registry or the installation failed, and nothing is changed.",
    response: "{ message: Already up to date } or { message, from, to }",
  },
  "GET /_panel": { summary: "The panel of the dashboard", response: "text/html" },
};
