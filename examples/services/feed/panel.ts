// The feed's panel: the newest events, live, by agent and type.
import { panel } from "#core/http.js";
import { TYPES } from "./event.js";

const OPTIONS = TYPES.map((type) => `<option>${type}</option>`).join("");

const HTML = `
<div class="bar">
  <label>Agent <input name="agent" size="14" placeholder="all" autocomplete="off"></label>
  <label>Type <select name="type"><option value="">all</option>${OPTIONS}</select></label>
  <button type="button" name="pause" aria-pressed="false">Pause</button>
  <span class="muted" data-state role="status"></span>
</div>
<p class="bad" data-gap hidden></p>
<div data-events></div>`;

const STYLE = `
& [data-events] .card { display: grid; grid-template-columns: 1fr auto; gap: 2px 10px; }
& [data-events] .card > :nth-child(n+3) { grid-column: 1 / -1; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const HELD_MAX = 300;
const list = root.querySelector("[data-events]");
const stateText = root.querySelector("[data-state]");
const gap = root.querySelector("[data-gap]");
const agent = root.querySelector("[name=agent]");
const type = root.querySelector("[name=type]");
const pause = root.querySelector("[name=pause]");
let stream, waiting = [], isPaused = false, turn = 0;

const card = (event) => el("article", { class: "card" },
  el("span", null, el("span", { class: "bright" }, event.agent), " ", el("span", { class: "chip" }, event.type)),
  el("time", { class: "muted", datetime: event.timestamp, title: event.timestamp }, ago(event.timestamp)),
  el("div", null, event.summary),
  event.detail === undefined ? null : el("details", null, el("summary", null, "Detail"), el("pre", null, event.detail)),
  event.metadata === undefined ? null : el("details", null, el("summary", null, "Metadata"), el("pre", null, JSON.stringify(event.metadata, null, 2))));
const add = (events) => {
  if (events.length > 0) list.querySelector("[data-empty]")?.remove();
  list.prepend(...events.map(card).reverse());
  while (list.childElementCount > HELD_MAX) list.lastElementChild.remove();
};
const hear = (event) => {
  if (!isPaused) return add([event]);
  waiting = [...waiting, event].slice(-HELD_MAX);
  say();
};
let isLive = false;
const say = () => { stateText.textContent = isPaused ? "paused, " + waiting.length + " new" : isLive ? "live" : "connecting…"; };
const showGap = (text) => { gap.textContent = text; gap.hidden = text === ""; };
const control = (name) => {
  if (name === "resync") showGap("Some events are not kept any more and are missing here.");
  if (name === "cleared") { waiting = []; list.replaceChildren(); showGap("The feed was emptied."); }
};
const query = () => {
  const filters = new URLSearchParams();
  if (agent.value.trim()) filters.set("agent", agent.value.trim());
  if (type.value) filters.set("type", type.value);
  return filters;
};
let retry, retryMs = 2000;
const load = async () => {
  const mine = ++turn;
  clearTimeout(retry);
  stream?.close();
  waiting = [];
  showGap("");
  list.replaceChildren(el("p", { class: "muted" }, "Loading…"));
  try {
    const filters = query();
    const events = await json("/events?limit=100&" + filters);
    if (mine !== turn) return;
    retryMs = 2000;
    list.replaceChildren(...(events.length === 0 ? [el("p", { class: "muted", "data-empty": true }, "No events yet.")] : []));
    add(events);
    const since = events.at(-1)?.id ?? "1970-01-01";
    stream = follow("/stream?" + filters, { since, event: hear, control, state: (state) => { isLive = state === "live"; say(); } });
  } catch (error) {
    if (mine !== turn) return;
    list.replaceChildren(el("p", { class: "bad" }, error.message + ". ", el("button", { type: "button", onclick: load }, "Retry")));
    retry = setTimeout(load, retryMs);
    retryMs = Math.min(retryMs * 2, 30000);
  }
};
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  pause.textContent = isPaused ? "Resume" : "Pause";
  if (!isPaused) add(waiting.splice(0));
  say();
});
agent.addEventListener("change", load);
type.addEventListener("change", load);
setInterval(() => { for (const time of list.querySelectorAll("time")) time.textContent = ago(time.dateTime); }, 10000);
load();
`;

export function feedPanel(): string {
  return panel({ name: "feed", style: STYLE, html: HTML, script: SCRIPT });
}
