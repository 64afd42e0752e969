// The scaffold's panel: a form for a new service, and its files as they would be, while one types.
import { panel } from "#core/http.js";
import { METHODS } from "./route-list.js";

const OPTIONS = METHODS.map((method) => `<option>${method}</option>`).join("");

const HTML = `
<div class="bar">
  <label>Name <input name="name" size="18" autocomplete="off" placeholder="votes"></label>
  <label class="wide">Description <input name="description" autocomplete="off"></label>
  <label>Store <select name="store"><option value="">none</option><option value="true">JSON file</option><option value="sqlite">SQLite</option></select></label>
</div>
<div class="bar">
  <label><input type="checkbox" name="tools" checked> tools</label>
  <label><input type="checkbox" name="panel"> panel</label>
  <label><input type="checkbox" name="behaviors"> behaviors</label>
  <label><input type="checkbox" name="readme"> README</label>
  <label><input type="checkbox" name="requiresAuth" checked> needs a token</label>
  <label>Depends on <input name="dependencies" size="14" autocomplete="off" placeholder="feed, board"></label>
</div>
<div data-routes></div>
<template><div class="bar card" data-route>
  <select aria-label="Method">${OPTIONS}</select>
  <input aria-label="Path" placeholder="/items/:id" size="16" autocomplete="off">
  <input aria-label="What it does" placeholder="what it does" size="22" autocomplete="off">
  <input aria-label="Fields of its body; a star marks those that have to be there" placeholder="value:number*, note" size="22" autocomplete="off">
  <button type="button" aria-label="Remove this route">✕</button>
</div></template>
<div class="bar">
  <button type="button" name="add">Add a route</button>
  <button type="button" name="create">Create and load</button>
  <span data-state role="status" class="muted"></span>
</div>
<div class="bar" data-files role="group" aria-label="Files"></div>
<pre class="card" data-content tabindex="0" hidden></pre>`;

const STYLE = `
& .wide { flex: 1; display: flex; gap: 6px; align-items: center; min-width: 14em; }
& .wide input { flex: 1; min-width: 0; }
& [data-content] { max-height: 60vh; font: 12px/1.5 ui-monospace, monospace; }
`;

/** Static text: what comes from the server reaches the page as text. */
const SCRIPT = `
const TYPING_MS = 300, RETRY_MS = 2000, RETRY_MS_MAX = 30000;
const part = (selector) => root.querySelector(selector);
const field = (name) => part("[name=" + name + "]");
const routes = part("[data-routes]"), files = part("[data-files]"), content = part("[data-content]"), state = part("[data-state]");
let shown = "index.ts", turn = 0, timer, waitMs = RETRY_MS;

const say = (text, isBad, ...more) => { state.className = isBad ? "bad" : "muted"; state.replaceChildren(text, ...more); };
const bodyOf = (text) => Object.fromEntries(text.split(",").map((one) => one.trim()).filter(Boolean).map((one) => {
  const [, name, type, star] = /^([^:*]*):?([^*]*)(\\*?)$/.exec(one) ?? [null, one, "", ""];
  return [name.trim(), { type: type.trim() || "string", required: star === "*" }];
}));
const routeOf = (row) => {
  const [method, path, description, fields] = row.querySelectorAll("select, input");
  return { method: method.value, path: path.value.trim() || "/", description: description.value, body: bodyOf(fields.value) };
};
const request = () => ({
  name: field("name").value,
  description: field("description").value,
  store: field("store").value === "true" || field("store").value || false,
  dependencies: field("dependencies").value.split(","),
  routes: [...routes.children].map(routeOf),
  ...Object.fromEntries(["tools", "panel", "behaviors", "readme", "requiresAuth"].map((name) => [name, field(name).checked])),
});
const post = async (path) => {
  const response = await api(path, { method: "POST", body: JSON.stringify(request()) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.error ?? "The server answered " + response.status), { isMine: response.status < 500 });
};

const draw = (all) => {
  const names = all.map(({ path }) => path.slice(path.indexOf("/") + 1));
  if (!names.includes(shown)) shown = "index.ts";
  files.replaceChildren(...names.map((name) => el("button", {
    type: "button", "aria-pressed": String(name === shown), onclick: () => { shown = name; draw(all); },
  }, name)));
  content.hidden = false;
  content.textContent = all[names.indexOf(shown)].content;
};
const preview = async () => {
  clearTimeout(timer);
  const mine = ++turn;
  if (field("name").value.trim() === "") {
    files.replaceChildren();
    content.hidden = true;
    return say("Give it a name.");
  }
  try {
    const { name, files: all, count } = await post("/preview");
    if (mine !== turn) return;
    waitMs = RETRY_MS;
    draw(all);
    say(name + ": " + count + " files");
  } catch (error) {
    if (mine !== turn) return;
    say(error.message + " ", true, ...(error.isMine ? [] : [el("button", { type: "button", onclick: preview }, "Retry")]));
    if (error.isMine) return;
    timer = setTimeout(preview, waitMs);
    waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
  }
};
const typed = () => { clearTimeout(timer); timer = setTimeout(preview, TYPING_MS); };
const create = async () => {
  const button = field("create");
  clearTimeout(timer);
  turn++;
  button.disabled = true;
  say("Creating…");
  try {
    const { name, count, directory, loaded, loadError } = await post("/create");
    say(count + " files in " + directory + (loaded ? ", live at /" + name : ", not loaded: " + loadError), !loaded);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
};
const addRoute = (method, path) => {
  routes.append(part("template").content.cloneNode(true));
  const row = routes.lastElementChild;
  const [select, input] = row.querySelectorAll("select, input");
  select.value = method;
  input.value = path;
  row.querySelector("button").addEventListener("click", () => { row.remove(); preview(); });
};

addRoute("POST", "/");
addRoute("GET", "/");
addRoute("GET", "/:id");
root.addEventListener("input", typed);
field("add").addEventListener("click", () => { addRoute("GET", "/"); routes.lastElementChild.querySelector("input").focus(); });
field("create").addEventListener("click", create);
preview();
`;

export function scaffoldPanel(): string {
  return panel({ name: "scaffold", style: STYLE, html: HTML, script: SCRIPT });
}
