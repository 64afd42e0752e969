// The panel of the dashboard: the jobs with what they can be told to do, and the newest runs.
import { panel } from "#core/http.js";

const style = `
& table { border-collapse: collapse; width: 100%; }
& th, & td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); }
& .success { color: var(--green, light-dark(#1a7f37, #3fb950)); }
& .error, & .missed { color: var(--red, light-dark(#c1121f, #ff7b72)); }
& .running { color: var(--blue, light-dark(#0969da, #58a6ff)); }
& .skipped { color: var(--text-dim, light-dark(#59636e, #8b949e)); }
& .scroll { overflow-x: auto; }
& th, & td { overflow-wrap: normal; }
& td { padding: 8px 14px 8px 0; }
& td .bar { margin: 0; }
& td time, & .runs td:first-child { white-space: nowrap; }
& .jobs td:first-child { overflow-wrap: anywhere; min-width: 8em; }
& td pre { margin: 0; max-height: 9em; overflow-wrap: anywhere; font-size: 12px; }
@media (max-width: 640px) {
  & table, & tbody, & tr, & td { display: block; }
  & thead { display: none; }
  & tr { padding: 10px 0; border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); }
  & tr td { padding: 1px 0; border: 0; }
  & td .bar { margin-top: 8px; }
  & button { min-height: 40px; }
}
`;

const html = `
<h2>Jobs</h2>
<p class="notice bad" role="alert"></p>
<div class="jobs scroll"></div>
<h2>Newest runs</h2>
<div class="runs scroll"></div>
`;

const script = `
const find = (name) => root.querySelector(name);
const cell = (...children) => el("td", {}, ...children);
const table = (heads, rows) => el("table", {},
  el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
  el("tbody", {}, rows));
const until = (time) => {
  const seconds = Math.round((new Date(time).getTime() - Date.now()) / 1000);
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) if (seconds >= size) return "in " + Math.floor(seconds / size) + " " + unit;
  return seconds > 0 ? "in " + seconds + " s" : "now";
};

const tell = async (path, init) => {
  find(".notice").replaceChildren();
  try {
    await json(path, init);
  } catch (error) {
    find(".notice").replaceChildren(error.message);
  }
  await Promise.all([jobs.refresh(), runs.refresh()]);
};
const change = (body) => ({ method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const button = (label, name, act) => el("button", { type: "button", "aria-label": label + " " + name, onclick: act }, label);

const removal = (job, path) => {
  const sure = (event) => {
    const asked = event.currentTarget;
    if (asked.dataset.sure) return tell(path, { method: "DELETE" });
    asked.dataset.sure = "yes";
    asked.replaceChildren("Really delete?");
  };
  return button("Delete", job.name, sure);
};

const jobRow = (job) => {
  const path = "/jobs/" + encodeURIComponent(job.id);
  return el("tr", {},
    cell(el("span", { class: "bright" }, job.name), el("div", { class: "muted" }, job.type + " · by " + job.createdBy)),
    cell(job.schedule, el("div", { class: "muted" }, job.timezone)),
    cell(job.nextRunAt ? el("time", { datetime: job.nextRunAt, title: job.nextRunAt }, until(job.nextRunAt)) : "disabled"),
    cell(el("div", { class: "bar" },
      button("Run", job.name, () => tell(path + "/run?wait=false", { method: "POST" })),
      button(job.enabled ? "Disable" : "Enable", job.name, () => tell(path, change({ enabled: !job.enabled }))),
      removal(job, path))));
};

const runRow = (run) => el("tr", {},
  cell(el("span", { class: run.status }, run.status), el("div", { class: "muted" }, run.trigger)),
  cell(run.jobName),
  cell(el("time", { datetime: run.startedAt, title: run.startedAt }, ago(run.startedAt))),
  cell(run.missedCount ? run.missedCount + " missed" : el("pre", {}, (run.error ? run.error + "\\n" : "") + (run.output ?? ""))));

const jobs = watch({
  into: find(".jobs"),
  empty: "No jobs yet.",
  load: () => json("/jobs"),
  render: ({ jobs }) => jobs.length === 0 ? null : table(["Job", "Schedule", "Next", "Actions"], jobs.map(jobRow)),
});
const runs = watch({
  into: find(".runs"),
  empty: "No runs yet.",
  load: () => json("/runs?limit=20"),
  render: ({ runs: all }) => {
    if (all.some(({ status }) => status === "running")) setTimeout(runs.refresh, 1000);
    return all.length === 0 ? null : table(["Status", "Job", "Started", "Said"], all.map(runRow));
  },
});
`;

export const panelHtml = panel({ name: "cron", style, html, script });
