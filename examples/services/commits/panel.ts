// The ledger's panel: the snapshots of each VM in their order, by tag, with ids that one can copy.
import { panel } from "#core/http.js";

const HTML = `
<div class="bar">
  <label>Tag <input name="tag" size="14" placeholder="all" autocomplete="off"></label>
  <span class="muted" data-count role="status"></span>
</div>
<div data-vms></div>`;

const STYLE = `
& ol { list-style: none; margin: 6px 0 14px; padding: 0 0 0 12px; border-left: 2px solid var(--border, light-dark(#d1d9e0, #30363d)); }
& li { position: relative; padding: 4px 0; }
& li::before { content: ""; position: absolute; left: -17px; top: 11px; width: 8px; height: 8px; border-radius: 50%; background: var(--accent, light-dark(#0969da, #58a6ff)); }
& code { font: 12px/1.5 ui-monospace, monospace; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const SHOWN_MAX = 500;
const list = root.querySelector("[data-vms]");
const count = root.querySelector("[data-count]");
const tag = root.querySelector("[name=tag]");

const copyButton = (commit) => {
  const button = el("button", { type: "button", "data-key": "copy " + commit.id, onclick: () => { button.textContent = copyText(commit.commitId) ? "Copied" : "Copy id"; } }, "Copy id");
  return button;
};
const tagButton = (name) => el("button", { type: "button", class: "chip", "aria-pressed": String(name === tag.value.trim()), onclick: () => {
  tag.value = name === tag.value.trim() ? "" : name;
  watched.refresh();
} }, name);
const entry = (commit) => el("li", null,
  el("div", { class: "bar" }, commit.label === undefined ? null : el("span", { class: "bright" }, commit.label),
    el("time", { class: "muted", datetime: commit.createdAt, title: commit.createdAt }, ago(commit.createdAt)),
    commit.agent === undefined ? null : el("span", { class: "muted" }, "by ", commit.agent),
    (commit.tags ?? []).map(tagButton)),
  el("div", { class: "bar" }, el("code", null, commit.commitId), copyButton(commit)),
  commit.metadata === undefined ? null : el("details", null, el("summary", null, "Metadata"), el("pre", null, JSON.stringify(commit.metadata, null, 2))));
const byVm = (commits) => {
  const vms = new Map();
  for (const commit of commits) vms.set(commit.vmId, [...(vms.get(commit.vmId) ?? []), commit]);
  return [...vms].map(([vmId, entries]) => el("section", null, el("h3", null, vmId), el("ol", null, entries.map(entry))));
};
const watched = watch({
  into: list,
  empty: "No snapshots.",
  load: () => json("?" + new URLSearchParams({ limit: SHOWN_MAX, ...(tag.value.trim() && { tag: tag.value.trim() }) })),
  render: ({ commits, cursor }) => {
    count.textContent = commits.length === 0 ? "" : (cursor === null ? "" : "the newest ") + commits.length + (commits.length === 1 ? " snapshot" : " snapshots");
    return commits.length === 0 ? null : byVm(commits);
  },
});
tag.addEventListener("change", watched.refresh);
`;

export function commitsPanel(): string {
  return panel({ name: "commits", style: STYLE, html: HTML, script: SCRIPT });
}
