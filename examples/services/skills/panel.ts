// The hub's panel: what there is and in which version, how two versions differ, and which agents are behind.
import { panel } from "#core/http.js";

const HTML = `
<div class="bar">
  <label>Tag <input name="tag" size="12" placeholder="all" autocomplete="off"></label>
  <span class="muted" data-state role="status"></span>
</div>
<p class="bad" data-error role="alert" hidden></p>
<h3>Skills and extensions</h3>
<div data-items></div>
<section data-versions hidden></section>
<h3>Agents</h3>
<div data-agents></div>`;

const STYLE = `
& [data-items] .card { display: grid; grid-template-columns: 1fr auto; gap: 2px 10px; }
& [data-items] .card > :nth-child(n+3) { grid-column: 1 / -1; }
& code { font-size: 12px; }
& h3 { margin: 12px 0 4px; font-size: 14px; }
& .added { background: color-mix(in srgb, var(--accent, #1a7f37) 18%, transparent); }
& .gone { background: color-mix(in srgb, var(--red, #cf222e) 18%, transparent); }
& pre.diff > span { display: block; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const DIFF_LINES_MAX = 1500;
const PATHS = { skill: "/items", extension: "/extensions" };
const part = (name) => root.querySelector("[data-" + name + "]");
const tag = root.querySelector("[name=tag]");
const fail = (error) => { part("error").textContent = error ? error.message + "." : ""; part("error").hidden = !error; };
const pathOf = ({ type, name }) => PATHS[type] + "/" + encodeURIComponent(name);

const loadItems = async () => {
  const filter = tag.value.trim() ? "?tag=" + encodeURIComponent(tag.value.trim()) : "";
  const [first, second] = await Promise.all([json("/items" + filter), filter ? { extensions: [] } : json("/extensions")]);
  const typed = (type) => (item) => ({ type, ...item });
  const items = [...first.skills.map(typed("skill")), ...second.extensions.map(typed("extension"))];
  return { items, isCut: Boolean(first.cursor || second.cursor) };
};
const loadAgents = async () => {
  const [manifest, { agents }] = await Promise.all([json("/manifest"), json("/agents?limit=200")]);
  return { manifest, agents };
};
const toggle = async (item, box) => {
  box.disabled = true;
  try {
    await json(pathOf(item), { method: "PATCH", body: JSON.stringify({ enabled: box.checked }) });
    fail();
  } catch (error) {
    fail(error);
  }
  itemsView.refresh();
};
const itemCard = (item) => {
  const box = el("input", { type: "checkbox", checked: item.enabled, "aria-label": "Enabled: " + item.name });
  box.addEventListener("change", () => toggle(item, box));
  return el("article", { class: "card" },
    el("span", null, el("span", { class: "bright" }, item.name), " ", el("span", { class: "chip" }, item.type), " version " + item.version),
    el("label", null, box, " enabled"),
    el("div", null, item.description),
    el("div", { class: "bar" }, el("code", { class: "muted", title: item.hash }, item.hash.slice(0, 19) + "…"), (item.tags ?? []).map((one) => el("span", { class: "chip" }, "#" + one)),
      el("button", { type: "button", onclick: () => openVersions(item) }, "Versions")),
    el("div", { class: "muted" }, "by " + item.publishedBy + ", " + ago(item.updatedAt)));
};

const missing = (has, wanted) => {
  const held = new Map(has.map((entry) => [entry.name, entry.version]));
  return wanted.filter(({ name, version }) => !(held.get(name) >= version)).map(({ name }) => name);
};
const surplus = (has, wanted) => {
  const names = new Set(wanted.map(({ name }) => name));
  return has.filter(({ name }) => !names.has(name)).map(({ name }) => name);
};
const agentCard = (agent, manifest) => {
  const behind = [...missing(agent.skills, manifest.skills), ...missing(agent.extensions, manifest.extensions)];
  const over = [...surplus(agent.skills, manifest.skills), ...surplus(agent.extensions, manifest.extensions)];
  const isUpToDate = behind.length + over.length === 0;
  return el("article", { class: "card" },
    el("span", { class: "bright" }, agent.agentId), agent.vmId ? " on " + agent.vmId : null, " ",
    el("span", { class: isUpToDate ? "chip" : "chip bad" }, isUpToDate ? "up to date" : "behind"),
    behind.length ? el("div", null, "to get: " + behind.join(", ")) : null,
    over.length ? el("div", null, "to drop: " + over.join(", ")) : null,
    el("div", { class: "muted" }, "reported " + ago(agent.lastSync)));
};

const itemsView = watch({ into: part("items"), load: loadItems, everyMs: 60000, empty: "Nothing is published.", render: ({ items, isCut }) =>
  items.length ? [...items.map(itemCard), isCut ? el("p", { class: "muted" }, "There is more; filter by tag to see it.") : ""] : null });
const agentsView = watch({ into: part("agents"), load: loadAgents, empty: "No agent has reported.", render: ({ manifest, agents }) =>
  agents.length ? agents.map((agent) => agentCard(agent, manifest)) : null });
const refresh = () => { itemsView.refresh(); agentsView.refresh(); };

const diff = (before, after) => {
  const [one, two] = [before.split("\\n"), after.split("\\n")];
  if (one.length > DIFF_LINES_MAX || two.length > DIFF_LINES_MAX) return [["", "Too long to compare."]];
  const common = Array.from({ length: one.length + 1 }, () => new Uint16Array(two.length + 1));
  for (let i = one.length - 1; i >= 0; i--) for (let j = two.length - 1; j >= 0; j--)
    common[i][j] = one[i] === two[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const lines = [];
  let i = 0, j = 0;
  while (i < one.length || j < two.length) {
    if (i < one.length && j < two.length && one[i] === two[j]) { lines.push([" ", one[i]]); i++; j++; }
    else if (j >= two.length || (i < one.length && common[i + 1][j] >= common[i][j + 1])) lines.push(["-", one[i++]]);
    else lines.push(["+", two[j++]]);
  }
  return lines;
};
const showDiff = async (item, from, to, into) => {
  into.replaceChildren(el("p", { class: "muted" }, "Loading…"));
  try {
    const [before, after] = await Promise.all([from, to].map((version) => json(pathOf(item) + "?version=" + version)));
    const classes = { "+": "added", "-": "gone" };
    into.replaceChildren(el("pre", { class: "diff" }, diff(before.content, after.content).map(([sign, line]) => el("span", { class: classes[sign] }, sign + " " + line))));
  } catch (error) {
    into.replaceChildren(el("p", { class: "bad" }, error.message + "."));
  }
};
const openVersions = async (item) => {
  const section = part("versions");
  section.hidden = false;
  section.replaceChildren(el("p", { class: "muted" }, "Loading…"));
  section.scrollIntoView?.({ block: "nearest" });
  try {
    const { versions } = await json(pathOf(item) + "/versions");
    const choice = (label, chosen) => el("select", { "aria-label": label }, versions.map(({ version }) => el("option", { value: version, selected: version === chosen }, version)));
    const from = choice("From version", (versions[1] ?? versions[0]).version);
    const to = choice("To version", versions[0].version);
    const into = el("div");
    const compare = () => showDiff(item, from.value, to.value, into);
    for (const select of [from, to]) select.addEventListener("change", compare);
    section.replaceChildren(
      el("h3", null, "Versions of " + item.name),
      versions.map((one) => el("div", { class: "bar" }, "version " + one.version, el("code", { class: "muted", title: one.hash }, one.hash.slice(0, 19) + "…"), el("span", { class: "muted" }, one.bytes + " bytes, by " + one.publishedBy + ", " + ago(one.publishedAt)))),
      el("div", { class: "bar" }, "From ", from, " to ", to, el("button", { type: "button", onclick: () => { section.hidden = true; } }, "Close")), into);
    compare();
  } catch (error) {
    section.replaceChildren(el("p", { class: "bad" }, error.message + ". ", el("button", { type: "button", onclick: () => openVersions(item) }, "Retry")));
  }
};

tag.addEventListener("change", () => itemsView.refresh());
follow("/stream", { event: refresh, control: refresh, state: (state) => { part("state").textContent = state === "live" ? "live" : "connecting…"; } });
`;

export function skillsPanel(): string {
  return panel({ name: "skills", style: STYLE, html: HTML, script: SCRIPT });
}
