// What every panel has: its look, and the few functions with which its script builds elements from text, loads, polls,
// follows a stream, and says how it stands.

/** Within `.panel-<name>`; the dashboard's variables, each with what stands for it elsewhere. */
export const PANEL_STYLE = `
color-scheme: light dark;
color: var(--text, light-dark(#1f2328, #c9d1d9));
font: 14px/1.45 system-ui, sans-serif;
overflow-wrap: anywhere;
& .muted { color: var(--text-dim, light-dark(#59636e, #8b949e)); }
& .bright { color: var(--text-bright, light-dark(#0d1117, #f0f6fc)); font-weight: 600; }
& .card { background: var(--bg-card, light-dark(#f6f8fa, #161b22)); border: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); border-radius: 6px; padding: 8px 10px; margin: 6px 0; }
& .bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 6px 0; }
& .chip { border: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); border-radius: 10px; padding: 0 8px; font-size: 12px; }
& .bad { color: var(--red, light-dark(#c1121f, #ff7b72)); }
& button, & input, & select, & textarea { font: inherit; color: inherit; background: var(--bg-panel, light-dark(#ffffff, #0d1117)); border: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); border-radius: 6px; padding: 3px 8px; max-width: 100%; }
& button { cursor: pointer; }
& button[aria-pressed=true] { border-color: var(--accent, light-dark(#0969da, #58a6ff)); }
& :focus-visible { outline: 2px solid var(--accent, light-dark(#0969da, #58a6ff)); outline-offset: 1px; }
& pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0; max-height: 40vh; overflow: auto; }
`;

/**
 * `root`, `escape(text)`, `api(path, init)` and, on top of them:
 * `el(tag, props, ...children)` makes an element; children that are no nodes become text, `props` are attributes, or
 * listeners where they are functions (`{class: "card", onclick: open}`).
 * `json(path, init)` is the parsed answer, and rejects with the server's own message.
 * `ago(time)` says how long ago something was.
 * `watch({into, load, render})` loads every 10 s while the panel is visible; `render(data)` returns nodes, or null when
 * there is nothing to show (`empty` says so). It shows loading, errors with a retry (2 s to 30 s), and how old the data is. An
 * element with `data-key` keeps the focus when another one with that key takes its place. Returns `{refresh}`.
 * `copyText(text)` puts a text on the clipboard, when a click or a key asked for it; false when the browser does not.
 * `follow(path, {since, event, control, state})` listens to a stream after an id or a time, and goes on from the last id
 * after errors: `event(data)`, `control(name, data)`, `state("live" | "lost")`. Returns `{close}`.
 */
export const PANEL_KIT = `
const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (one) => "&#" + one.charCodeAt(0) + ";");
const el = (tag, props, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
};
const json = async (path, init) => {
  const response = await api(path, init);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? "The server answered " + response.status);
  return body;
};
const ago = (time) => {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(time).getTime()) / 1000));
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) if (seconds >= size) return Math.floor(seconds / size) + " " + unit + " ago";
  return seconds + " s ago";
};
const copyText = (text) => {
  const field = el("textarea", { "aria-hidden": "true", style: "position: fixed; opacity: 0" });
  field.value = text;
  const before = document.activeElement;
  (before?.closest("dialog") ?? root).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus();
  return isCopied;
};
const watch = ({ into, load, render, empty = "Nothing here yet.", everyMs = 10000 }) => {
  const status = el("p", { class: "muted", role: "status" }, "Loading…");
  into.before(status);
  let timer, loadedAt, waitMs = 2000, turn = 0;
  const again = (ms) => { clearTimeout(timer); timer = setTimeout(refresh, ms); };
  const refresh = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const mine = ++turn;
    try {
      const data = await load();
      if (mine !== turn) return;
      const nodes = render(data);
      const focused = into.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
      into.replaceChildren(...(nodes === null ? [el("p", { class: "muted" }, empty)] : [nodes].flat(Infinity)));
      if (focused) into.querySelector("[data-key=" + CSS.escape(focused) + "]")?.focus();
      loadedAt = Date.now();
      waitMs = 2000;
      status.replaceChildren();
      again(everyMs);
    } catch (error) {
      if (mine !== turn) return;
      const stale = loadedAt ? " Last updated " + ago(loadedAt) + "." : "";
      status.replaceChildren(el("span", { class: "bad" }, error.message + "." + stale + " "), el("button", { type: "button", onclick: refresh }, "Retry"));
      again(waitMs);
      waitMs = Math.min(waitMs * 2, 30000);
    }
  };
  document.addEventListener("visibilitychange", refresh);
  refresh();
  return { refresh };
};
const follow = (path, { since, event, control = () => {}, state = () => {} }) => {
  let last = since, waitMs = 2000, source, timer;
  const open = () => {
    const url = new URL(PANEL_API + "/" + NAME + path, document.baseURI);
    if (last) url.searchParams.set("since", last);
    source = new EventSource(url);
    source.onopen = () => { waitMs = 2000; state("live"); };
    source.onmessage = (message) => { last = message.lastEventId || last; event(JSON.parse(message.data)); };
    for (const name of ["resync", "cleared", "bye"]) source.addEventListener(name, (message) => control(name, JSON.parse(message.data)));
    source.onerror = () => {
      source.close();
      state("lost");
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, 30000);
    };
  };
  open();
  return { close: () => { clearTimeout(timer); source.close(); } };
};
`;
