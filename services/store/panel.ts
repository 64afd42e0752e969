// The panel of the dashboard: the keys by their beginning, and the value of one, to read, change and delete.
import { panel } from "#core/http.js";

const style = `
& .find { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 12px; }
& .find input { flex: 1 1 220px; min-width: 0; }
& .keys { list-style: none; margin: 0; padding: 0; }
& .keys li { border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); }
& .keys button { display: flex; flex-wrap: wrap; gap: 2px 12px; width: 100%; padding: 7px 4px; border: 0; border-radius: 0; background: none; text-align: left; }
& .keys button:hover { background: var(--bg-card, light-dark(#f6f8fa, #161b22)); }
& .keys .bright { flex: 1 1 200px; }
& .value textarea { width: 100%; min-height: 9em; box-sizing: border-box; font: 12.5px/1.5 ui-monospace, monospace; }
& .value .bright { flex: 1; }
`;

const html = `
<div class="find">
  <input type="search" aria-label="Beginning of the keys" placeholder="Keys that begin with…">
  <input class="new" aria-label="New key" placeholder="A new key" maxlength="512"><button type="button" class="add">Add</button>
</div>
<div class="value"></div>
<div class="list"></div>
`;

const script = `
const find = (name) => root.querySelector(name);
const prefix = find("[type=search]");
let pages = 1;

// A slash is part of a key; what two readers of an address could understand in two ways is refused to panels.
const pathOf = (key) => "/" + key.split("/").map(encodeURIComponent).join("/");
const page = (after) => json("?limit=200&prefix=" + encodeURIComponent(prefix.value) + (after ? "&cursor=" + encodeURIComponent(after) : ""));
const load = async () => {
  let answer = await page();
  const keys = [...answer.keys];
  for (let at = 1; at < pages && answer.nextCursor; at++) keys.push(...(answer = await page(answer.nextCursor)).keys);
  return { keys, hasMore: answer.nextCursor !== undefined };
};
const when = (time) => el("time", { class: "muted", title: new Date(time).toLocaleString() }, ago(time));
const row = ({ key, version, updatedAt, expiresAt }) => el("li", {}, el("button", { type: "button", onclick: () => show(key) },
  el("span", { class: "bright" }, key),
  expiresAt ? el("span", { class: "chip", title: new Date(expiresAt).toLocaleString() }, "expires") : null,
  el("span", { class: "muted" }, "version " + version), when(updatedAt)));
const more = () => el("p", {}, el("button", { type: "button", onclick: () => { pages++; list.refresh(); } }, "Show more"));
const list = watch({
  into: find(".list"),
  empty: "No key here. Agents and services write them, or you do.",
  load,
  render: ({ keys, hasMore }) => keys.length === 0 ? null : [el("ul", { class: "keys" }, keys.map(row)), hasMore ? more() : []],
});

const close = () => find(".value").replaceChildren();
const show = async (key) => {
  try {
    const { value, version } = await json(pathOf(key));
    edit(key, JSON.stringify(value, null, 2), { "If-Match": '"' + version + '"' });
  } catch (error) {
    find(".value").replaceChildren(el("p", { class: "bad", role: "alert" }, key + ": " + error.message));
  }
};

// What somebody else wrote meanwhile is not written over: the server refuses.
const edit = (key, text, headers) => {
  const notice = el("p", { class: "bad", role: "alert" });
  const field = el("textarea", { "aria-label": "Value of " + key, spellcheck: "false" });
  field.value = text;
  const attempt = async (work) => {
    try {
      await work();
      close();
      await list.refresh();
    } catch (error) {
      notice.replaceChildren(error instanceof SyntaxError ? "This is no JSON: " + error.message : error.message);
    }
  };
  const save = () => attempt(() => json(pathOf(key), {
    method: "PUT",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ value: JSON.parse(field.value) }),
  }));
  const remove = (event) => {
    const asked = event.currentTarget;
    if (asked.dataset.sure) return attempt(() => json(pathOf(key), { method: "DELETE", headers }));
    asked.dataset.sure = "yes";
    asked.replaceChildren("Really delete?");
  };
  const isOld = "If-Match" in headers;
  find(".value").replaceChildren(el("section", { class: "card", "aria-label": "Value" },
    el("div", { class: "bar" }, el("span", { class: "bright" }, key),
      el("button", { type: "button", onclick: save }, "Save"),
      isOld ? el("button", { type: "button", class: "bad", onclick: remove }, "Delete") : null,
      el("button", { type: "button", onclick: close }, "Close")),
    field, notice));
  field.focus();
};

const add = () => {
  const key = find(".new").value;
  if (key === "") return find(".new").focus();
  find(".new").value = "";
  edit(key, '""', { "If-None-Match": "*" });
};
find(".add").addEventListener("click", add);
find(".new").addEventListener("keydown", ({ key }) => key === "Enter" && add());
let typing;
prefix.addEventListener("input", () => { clearTimeout(typing); pages = 1; typing = setTimeout(list.refresh, 200); });
`;

export const panelHtml = panel({ name: "store", style, html, script });
