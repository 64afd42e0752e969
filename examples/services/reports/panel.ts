// The panel of reports: what there is, a reader, and the links that show a report to others.
import { panel } from "#core/http.js";

const HTML = `
<section data-list-view>
  <div class="bar"><label>Author <input name="author" size="12" placeholder="all" autocomplete="off"></label>
  <label>Tag <input name="tag" size="12" placeholder="all" autocomplete="off"></label></div>
  <div data-list></div>
</section>
<section data-reader-view hidden>
  <div class="bar"><button type="button" name="back">← All reports</button><button type="button" name="share">Share…</button></div>
  <div data-report></div>
  <h3>Share links</h3>
  <div data-links></div>
</section>
<dialog aria-labelledby="share-title">
  <h3 id="share-title">Share this report</h3>
  <div data-ask>
    <p>Anybody who has the link can read the report, without signing in.</p>
    <p><label>For whom <input name="label" maxlength="200" autocomplete="off"></label></p>
    <p><label>Ends after <select name="days"><option value="1">1 day</option><option value="7" selected>7 days</option><option value="30">30 days</option><option value="">never</option></select></label></p>
    <div class="bar"><button type="button" name="create">Create link</button><button type="button" name="cancel">Cancel</button></div>
  </div>
  <div data-made hidden>
    <p><input name="url" readonly aria-label="The link"></p>
    <div class="bar"><button type="button" name="copy">Copy</button><button type="button" name="done">Done</button></div>
  </div>
  <p class="bad" role="alert"></p>
</dialog>`;

const STYLE = `
& button.title { display: block; width: 100%; text-align: left; }
& dialog { color: inherit; background: var(--bg-panel, light-dark(#ffffff, #0d1117)); border: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); border-radius: 8px; max-width: min(28rem, 90vw); }
& [name=url] { width: 100%; }
& .report-viewer { border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); padding-bottom: 12px; }
& .report-viewer table { display: block; overflow-x: auto; border-collapse: collapse; }
& .report-viewer :is(th, td) { border: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); padding: 2px 8px; }
& .report-viewer img { max-width: 100%; }
& .report-viewer pre { max-height: none; }
& .tags { list-style: none; display: flex; flex-wrap: wrap; gap: 6px; padding: 0; }
& .source { white-space: pre-wrap; }
`;

/** Static text: what is stored reaches the page through `el`, as text. Of a rendered report the known tags are copied. */
const SCRIPT = `
const SHOWN_MAX = 200;
const part = (selector) => root.querySelector(selector);
const field = (name) => part("[name=" + name + "]");
const dialog = part("dialog");
const alertText = part("dialog [role=alert]");
const listView = part("[data-list-view]");
const readerView = part("[data-reader-view]");
const reportPart = part("[data-report]");
let opened = new URLSearchParams(location.search).get("open");

const TAGS = new Set("div header article h1 h2 h3 h4 h5 h6 p ul ol li blockquote pre code table thead tbody tr th td strong em del a img br hr input bdi time".split(" "));
const ATTRIBUTES = new Set("class id dir align start title alt datetime type disabled checked rel target aria-label".split(" "));
const isKept = ({ name, value }) => ATTRIBUTES.has(name)
  || (name === "href" && /^(https?:|mailto:|#)/i.test(value))
  || (name === "src" && /^data:image.(png|jpeg|gif|webp);/i.test(value));
const copy = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (!TAGS.has(node.localName)) return null;
  const kept = [...node.attributes].filter(isKept).map(({ name, value }) => [name, value]);
  return el(node.localName, Object.fromEntries(kept), ...Array.from(node.childNodes, copy));
};
const bodyOf = (page) => {
  const viewer = new DOMParser().parseFromString(page, "text/html").querySelector(".report-viewer");
  return el("div", { class: "report-viewer" }, ...Array.from(viewer.childNodes, copy));
};
const path = (rest) => "/" + encodeURIComponent(opened) + rest;

const card = (report) => el("article", { class: "card" },
  el("button", { type: "button", class: "title bright", "data-key": report.id, onclick: () => open(report.id) }, report.title),
  el("div", { class: "bar" }, el("span", { class: "muted" }, report.author),
    el("time", { class: "muted", datetime: report.createdAt, title: report.createdAt }, ago(report.createdAt)),
    report.tags.map((tag) => el("span", { class: "chip" }, tag))));
const list = watch({
  into: part("[data-list]"),
  empty: "No reports.",
  load: () => {
    const query = new URLSearchParams({ limit: SHOWN_MAX });
    for (const name of ["author", "tag"]) if (field(name).value.trim()) query.set(name, field(name).value.trim());
    return json("?" + query);
  },
  render: ({ reports, cursor }) => reports.length === 0 ? null
    : [...reports.map(card), cursor === null ? null : el("p", { class: "muted" }, "These are the newest " + reports.length + ".")].filter(Boolean),
});
for (const name of ["author", "tag"]) field(name).addEventListener("change", list.refresh);

const state = (link) => link.revoked ? "revoked" : link.expiresAt !== null && Date.parse(link.expiresAt) <= Date.now() ? "expired"
  : link.expiresAt === null ? "does not end" : "ends " + link.expiresAt.slice(0, 16).replace("T", " ") + " UTC";
const revokeButton = (link) => {
  const button = el("button", { type: "button", "data-key": "revoke " + link.linkId, onclick: async () => {
    if (button.dataset.isSure === undefined) {
      button.dataset.isSure = "";
      button.textContent = "Really revoke?";
      return;
    }
    await json("/share/" + link.linkId, { method: "DELETE" }).catch((error) => { button.after(el("span", { class: "bad" }, " " + error.message)); });
    links.refresh();
  } }, "Revoke");
  return button;
};
const copyButton = (link) => {
  const url = new URL("/reports/share/" + link.linkId, document.baseURI).href;
  const button = el("button", { type: "button", "data-key": "copy " + link.linkId, onclick: () => { button.textContent = copyText(url) ? "Copied" : url; } }, "Copy link");
  return button;
};
const linkCard = (link) => el("div", { class: "card" },
  el("div", null, link.label ?? "(no label)"),
  el("div", { class: "muted" }, state(link) + ", " + link.accessCount + (link.accessCount === 1 ? " view" : " views") + ", made by ", link.createdBy, " " + ago(link.createdAt)),
  link.revoked ? null : el("div", { class: "bar" }, copyButton(link), revokeButton(link)));
const links = watch({
  into: part("[data-links]"),
  empty: "No links.",
  load: () => opened === null ? { links: [] } : json(path("/shares")),
  render: ({ links }) => links.length === 0 ? null : links.map(linkCard),
});

let retry, retryMs = 2000;
const read = async () => {
  clearTimeout(retry);
  const id = opened;
  reportPart.replaceChildren(el("p", { class: "muted" }, "Loading…"));
  try {
    const response = await api(path("/html"));
    if (!response.ok) throw new Error((await response.json()).error);
    const page = await response.text();
    if (id === opened) reportPart.replaceChildren(bodyOf(page));
    retryMs = 2000;
  } catch (error) {
    if (id !== opened) return;
    reportPart.replaceChildren(el("p", { class: "bad" }, error.message + ". ", el("button", { type: "button", onclick: read }, "Retry")));
    retry = setTimeout(read, retryMs);
    retryMs = Math.min(retryMs * 2, 30000);
  }
};
const show = () => {
  listView.hidden = opened !== null;
  readerView.hidden = opened === null;
};
const open = (id) => {
  opened = id;
  show();
  part("[data-links]").replaceChildren();
  links.refresh();
  read();
  field("back").focus();
};
field("back").addEventListener("click", () => {
  const last = opened;
  opened = null;
  clearTimeout(retry);
  reportPart.replaceChildren();
  show();
  list.refresh();
  root.querySelector("[data-key=" + CSS.escape(last) + "]")?.focus();
});
const say = (text) => { alertText.textContent = text; };
field("share").addEventListener("click", () => {
  part("[data-ask]").hidden = false;
  part("[data-made]").hidden = true;
  field("copy").textContent = "Copy";
  say("");
  dialog.showModal();
});
field("cancel").addEventListener("click", () => dialog.close());
field("done").addEventListener("click", () => dialog.close());
field("copy").addEventListener("click", () => { field("copy").textContent = copyText(field("url").value) ? "Copied" : "Copy"; });
field("create").addEventListener("click", async () => {
  const days = Number(field("days").value);
  const share = { createdBy: "dashboard", label: field("label").value, ...(days > 0 && { expiresIn: days * 86400 }) };
  say("");
  try {
    const { url } = await json(path("/share"), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(share) });
    field("url").value = url;
    field("label").value = "";
    part("[data-ask]").hidden = true;
    part("[data-made]").hidden = false;
    field("url").select();
    links.refresh();
  } catch (error) {
    say(error.message);
  }
});
if (opened !== null) open(opened);
`;

export function reportsPanel(): string {
  return panel({ name: "reports", style: STYLE, html: HTML, script: SCRIPT });
}
