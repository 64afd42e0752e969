// The log's panel: the last days, entry by entry, with a search in what is loaded.
import { panel } from "#core/http.js";

const HTML = `
<div class="bar">
  <label>Show <select name="last"><option value="24h">24 hours</option><option value="7d" selected>7 days</option><option value="4w">4 weeks</option></select></label>
  <label>Search <input name="search" type="search" size="20" autocomplete="off"></label>
  <span class="muted" data-count role="status"></span>
</div>
<div data-days></div>`;

const STYLE = `
& h3 { font-size: 13px; margin: 14px 0 4px; color: var(--text-dim, light-dark(#59636e, #8b949e)); }
& .entry { display: grid; grid-template-columns: 5em 1fr; gap: 8px; padding: 3px 0; border-top: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); }
& .entry > div { white-space: pre-wrap; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const days = root.querySelector("[data-days]");
const count = root.querySelector("[data-count]");
const last = root.querySelector("[name=last]");
const search = root.querySelector("[name=search]");
let entries = [];

const row = (entry) => el("div", { class: "entry" },
  el("time", { class: "muted", datetime: entry.timestamp, title: entry.timestamp }, new Date(entry.timestamp).toLocaleTimeString(undefined, { hour12: false })),
  el("div", null, entry.agent === undefined ? null : el("span", { class: "bright" }, entry.agent, " "), entry.text));
const fits = (entry) => {
  const word = search.value.trim().toLowerCase();
  return word === "" || (entry.text + " " + (entry.agent ?? "")).toLowerCase().includes(word);
};
const draw = () => {
  const shown = entries.filter(fits);
  count.textContent = shown.length + (shown.length === entries.length ? "" : " of " + entries.length) + " entries";
  if (shown.length === 0) return null;
  const nodes = [];
  let day;
  for (const entry of shown.toReversed()) {
    const on = new Date(entry.timestamp).toLocaleDateString(undefined, { dateStyle: "full" });
    if (on !== day) nodes.push(el("h3", null, on));
    day = on;
    nodes.push(row(entry));
  }
  return nodes;
};
const load = async () => {
  const page = await json("?limit=500&last=" + last.value);
  entries = page.entries;
};
const watched = watch({ into: days, load, render: draw, empty: "No entries." });
last.addEventListener("change", watched.refresh);
search.addEventListener("input", () => days.replaceChildren(...(draw() ?? [el("p", { class: "muted" }, "No entries.")])));
`;

export function logPanel(): string {
  return panel({ name: "log", style: STYLE, html: HTML, script: SCRIPT });
}
