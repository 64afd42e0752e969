// The journal's panel: what was written, with moods and tags that filter and a colour for each author.
import { panel } from "#core/http.js";

const HTML = `
<div class="bar">
  <label>Show <select name="last"><option value="24h">24 hours</option><option value="7d" selected>7 days</option><option value="4w">4 weeks</option></select></label>
  <span class="bar" data-filters></span>
</div>
<div data-entries></div>`;

const STYLE = `
& .card { border-left-width: 4px; }
& .card > div:last-child { white-space: pre-wrap; margin-top: 4px; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const COLORS = ["--accent", "--blue", "--purple", "--yellow", "--orange", "--red"];
const FALLBACKS = ["#0969da", "#0550ae", "#8250df", "#9a6700", "#bc4c00", "#cf222e"];
const list = root.querySelector("[data-entries]");
const filters = root.querySelector("[data-filters]");
const last = root.querySelector("[name=last]");
let entries = [], mood, tag;

const colorOf = (author) => {
  let sum = 0;
  for (const char of author) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return "var(" + COLORS[sum % COLORS.length] + ", " + FALLBACKS[sum % FALLBACKS.length] + ")";
};
const chip = (text, isOn, choose) => el("button", { type: "button", class: "chip", "aria-pressed": String(isOn), onclick: () => { choose(); redraw(); } }, text);
const chips = (entry) => [
  entry.mood === undefined ? null : chip(entry.mood, entry.mood === mood, () => { mood = entry.mood === mood ? undefined : entry.mood; }),
  (entry.tags ?? []).map((one) => chip("#" + one, one === tag, () => { tag = one === tag ? undefined : one; })),
];
const card = (entry) => {
  const node = el("article", { class: "card" },
    el("div", { class: "bar" }, entry.author === undefined ? null : el("span", { class: "bright" }, entry.author),
      el("time", { class: "muted", datetime: entry.timestamp, title: entry.timestamp }, ago(entry.timestamp)), chips(entry)),
    el("div", null, entry.text));
  if (entry.author !== undefined) node.style.borderLeftColor = colorOf(entry.author);
  return node;
};
const draw = () => {
  const shown = entries.filter((entry) => (mood === undefined || entry.mood === mood) && (tag === undefined || (entry.tags ?? []).includes(tag)));
  filters.replaceChildren(...[
    mood === undefined ? null : chip("mood: " + mood + " ×", true, () => { mood = undefined; }),
    tag === undefined ? null : chip("#" + tag + " ×", true, () => { tag = undefined; }),
  ].filter((one) => one !== null));
  return shown.length === 0 ? null : shown.toReversed().map(card);
};
const redraw = () => list.replaceChildren(...(draw() ?? [el("p", { class: "muted" }, "No entries.")]));
const load = async () => { entries = (await json("?limit=500&last=" + last.value)).entries; };
const watched = watch({ into: list, load, render: draw, empty: "No entries." });
last.addEventListener("change", watched.refresh);
`;

export function journalPanel(): string {
  return panel({ name: "journal", style: STYLE, html: HTML, script: SCRIPT });
}
