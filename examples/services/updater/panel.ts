// The updater's panel: which versions there are, looking and applying, and how updates went.
import { panel } from "#core/http.js";

const HTML = `
<div data-versions></div>
<div class="bar">
  <button type="button" name="check">Look now</button>
  <button type="button" name="apply" hidden></button>
  <span class="bar" data-confirm hidden><span data-question></span><button type="button" name="yes">Update and restart</button><button type="button" name="no">Not now</button></span>
  <span data-said role="status"></span>
</div>
<h3>History</h3>
<div data-history></div>`;

const STYLE = `
& h3 { font-size: 14px; margin: 14px 0 4px; }
& [hidden] { display: none; }
& dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0; }
& dd { margin: 0; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const part = (name) => root.querySelector("[data-" + name + "]");
const button = (name) => root.querySelector("[name=" + name + "]");
let status;
const say = (text, isBad) => part("said").replaceChildren(el("span", { class: isBad ? "bad" : "muted" }, text));
const ask = (isAsking) => { part("confirm").hidden = !isAsking; if (isAsking) button("yes").focus(); };
const entry = (name, value) => [el("dt", { class: "muted" }, name), el("dd", null, value)];
const versions = () => {
  button("check").disabled = status.checking || status.applying;
  button("apply").hidden = !status.updateAvailable;
  button("apply").disabled = status.applying;
  button("apply").textContent = status.applying ? "Updating…" : "Update to " + status.latest;
  part("question").textContent = "Tasks are interrupted and go on after the restart. Update " + status.current + " to " + status.latest + "?";
  const looked = status.lastChecked === null ? "never" : el("time", { datetime: status.lastChecked, title: status.lastChecked }, ago(status.lastChecked));
  const every = status.pollInterval === 0 ? "never" : "every " + status.pollInterval + " min" + (status.autoApply ? ", and applies what it finds" : "");
  return el("dl", null, entry("Package", status.package), entry("Runs", el("span", { class: "bright" }, status.current)),
    entry("Newest", status.latest ?? "not known"), entry("Last looked", looked), entry("Looks by itself", every),
    status.error === undefined ? null : entry("Last look failed", el("span", { class: "bad" }, status.error)));
};
const past = ({ from, to, at, status: outcome, error }) => el("article", { class: "card" },
  el("div", { class: "bar" }, el("span", { class: "bright" }, from + " → " + to), el("span", { class: "chip" }, outcome.replace("_", " ")),
    el("time", { class: "muted", datetime: at, title: at }, ago(at))),
  error === undefined ? null : el("pre", null, error));
const watched = watch({ into: part("versions"), load: async () => { status = await json("/status"); }, render: () => {
  part("history").replaceChildren(...(status.history.length === 0 ? [el("p", { class: "muted" }, "No updates yet.")] : status.history.map(past)));
  return versions();
} });
const post = async (path, doing, done) => {
  say(doing, false);
  try { say(done(await json(path, { method: "POST" })), false); } catch (error) { say(error.message, true); }
  watched.refresh();
};
button("check").addEventListener("click", () => post("/check", "Looking…", ({ latest, updateAvailable }) => updateAvailable ? latest + " is available." : "Up to date."));
button("apply").addEventListener("click", () => ask(true));
button("no").addEventListener("click", () => { ask(false); button("apply").focus(); });
button("yes").addEventListener("click", () => { ask(false); post("/apply", "Making it ready…", ({ message }) => message + "."); });
`;

export function updaterPanel(): string {
  return panel({ name: "updater", style: STYLE, html: HTML, script: SCRIPT });
}
