// The registry's panel: machines by role, how long ago each was seen, and what listens there.
import { panel } from "#core/http.js";
import { ROLES } from "./vm.js";

const HTML = `
<div class="bar"><span class="muted" data-count role="status"></span></div>
<div data-vms></div>`;

const STYLE = `
& h3 { font-size: 13px; margin: 14px 0 4px; color: var(--text-dim, light-dark(#59636e, #8b949e)); }
& .card > .bar { margin: 0; }
& .card > .bar > :last-child { margin-left: auto; }
& .is-gone { opacity: 0.7; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const ROLES = ${JSON.stringify(ROLES)};
const SHOWN_MAX = 500;
const list = root.querySelector("[data-vms]");
const count = root.querySelector("[data-count]");
let page, asked;

const stateOf = (vm) => vm.stale ? "stale" : vm.status;
const portsOf = (vm) => (vm.services ?? []).map((one) => el("span", { class: "chip" }, one.name + " :" + one.port + (one.protocol === undefined ? "" : " " + one.protocol)));
const remove = async (vm) => {
  if (asked !== vm.id) { asked = vm.id; return redraw(); }
  asked = undefined;
  const response = await api("/vms/" + encodeURIComponent(vm.id), { method: "DELETE" });
  if (!response.ok && response.status !== 404) count.textContent = "The server answered " + response.status;
  watched.refresh();
};
const card = (vm) => el("article", { class: "card" + (stateOf(vm) === "running" ? "" : " is-gone") },
  el("div", { class: "bar" }, el("span", { class: "bright" }, vm.name),
    el("span", { class: "chip" + (vm.stale ? " bad" : "") }, stateOf(vm) + (vm.statusReason === undefined || vm.stale ? "" : ": " + vm.statusReason)),
    el("time", { class: "muted", datetime: vm.lastSeen, title: vm.lastSeen }, ago(vm.lastSeen)),
    el("button", { type: "button", "data-id": vm.id, onclick: () => remove(vm) }, asked === vm.id ? "Really remove" : "Remove")),
  el("div", { class: "bar" }, el("code", null, vm.address), portsOf(vm)),
  el("div", { class: "muted" }, vm.id + ", registered by " + vm.registeredBy));
const draw = () => {
  const { vms, total } = page;
  count.textContent = total + (total === 1 ? " machine" : " machines") + (total > vms.length ? ", the newest " + vms.length + " are shown" : "");
  if (vms.length === 0) return null;
  return ROLES.map((role) => [role, vms.filter((vm) => vm.role === role)])
    .filter(([, those]) => those.length > 0)
    .map(([role, those]) => [el("h3", null, role + " (" + those.length + ")"), those.map(card)]);
};
const redraw = () => {
  const focused = root.ownerDocument.activeElement?.dataset?.id;
  list.replaceChildren(...(draw() ?? []).flat(Infinity));
  if (focused !== undefined) [...list.querySelectorAll("[data-id]")].find((one) => one.dataset.id === focused)?.focus();
};
const load = async () => { page = await json("/vms?total=true&limit=" + SHOWN_MAX); };
const watched = watch({ into: list, load, render: draw, empty: "No machines." });
`;

export function registryPanel(): string {
  return panel({ name: "registry", style: STYLE, html: HTML, script: SCRIPT });
}
