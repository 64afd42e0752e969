// The ledger's panel: what the last day, week and month cost, day by day and by agent, model and task; sessions and VMs.
import { panel } from "#core/http.js";

const HTML = `
<div class="cards" data-totals></div>
<div class="bar">
  <label>Show <select name="range"><option value="24h">24 hours</option><option value="7d" selected>7 days</option><option value="30d">30 days</option></select></label>
</div>
<div data-spent></div>
<h3>Sessions</h3>
<div class="wide" data-sessions></div>
<h3>VMs</h3>
<div class="wide" data-vms></div>`;

const STYLE = `
& .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(90px, 1fr)); gap: 6px; }
& .cards .card { margin: 0; }
& .cards .bright { font-size: 18px; }
& h3 { font-size: 14px; margin: 14px 0 4px; }
& .chart { display: flex; align-items: flex-end; gap: 1px; height: 64px; border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); }
& .chart > * { flex: 1 1 0; min-width: 1px; background: var(--accent, light-dark(#0969da, #58a6ff)); border-radius: 2px 2px 0 0; }
& .ends { display: flex; justify-content: space-between; font-size: 12px; }
& .share { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 8px; margin: 4px 0; }
& .share > :last-child { grid-column: 1 / -1; height: 4px; border-radius: 2px; background: var(--blue, light-dark(#0550ae, #79c0ff)); }
& .wide { overflow-x: auto; }
& table { border-collapse: collapse; width: 100%; font-size: 13px; }
& th, & td { text-align: left; padding: 3px 8px 3px 0; border-bottom: 1px solid var(--border, light-dark(#d1d9e0, #30363d)); vertical-align: top; }
& td { min-width: 60px; }
& .number { text-align: right; white-space: nowrap; }
`;

/** Static text: what is stored reaches the page through `el`, as text. */
const SCRIPT = `
const NAMES_SHOWN = 8, ROWS_SHOWN = 50, DAYS = 30, DAY_MS = 86400000;
const range = root.querySelector("[name=range]");
const part = (name) => root.querySelector("[data-" + name + "]");
const money = (dollars) => "$" + dollars.toFixed(2);
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

const total = (label) => ({ totals }) => el("div", { class: "card" },
  el("div", { class: "muted" }, label),
  el("div", { class: "bright" }, money(totals.cost)),
  el("div", { class: "muted" }, compact.format(totals.tokens) + " tokens, " + totals.sessions + " sessions, " + totals.vms + " VMs"));
const chart = (byDay) => {
  const today = Date.now();
  const days = Array.from({ length: DAYS }, (_, n) => dayOf(today - (DAYS - 1 - n) * DAY_MS));
  const costs = days.map((day) => byDay[day]?.cost ?? 0);
  const most = Math.max(...costs);
  const bars = days.map((day, n) => {
    const bar = el("div", { title: day + ": " + money(costs[n]) });
    bar.style.height = most > 0 ? (100 * costs[n] / most) + "%" : "0";
    return bar;
  });
  const label = "Cost of each of the last " + DAYS + " days, at most " + money(most);
  return [el("div", { class: "chart", role: "img", "aria-label": label }, bars),
    el("div", { class: "ends muted" }, el("span", null, days[0]), el("span", null, "at most " + money(most)), el("span", null, days.at(-1)))];
};
const shares = (title, names) => {
  const sorted = Object.entries(names).sort(([, one], [, two]) => two.cost - one.cost || two.tokens - one.tokens);
  if (sorted.length === 0) return null;
  const most = sorted[0][1].cost;
  const rows = sorted.slice(0, NAMES_SHOWN).map(([name, { cost, tokens }]) => {
    const bar = el("div", { "aria-hidden": "true" });
    bar.style.width = most > 0 ? Math.max(1, 100 * cost / most) + "%" : "1%";
    return el("div", { class: "share" }, el("span", null, name),
      el("span", { class: "muted" }, money(cost) + ", " + compact.format(tokens) + " tokens"), bar);
  });
  const left = sorted.length - rows.length;
  return [el("h3", null, title), rows, left > 0 ? el("p", { class: "muted" }, left + " more") : null];
};
const table = (heads, rows) => el("table", null,
  el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col" }, head)))),
  el("tbody", null, rows.map((cells) => el("tr", null, cells.map((cell) => el("td", null, cell))))));
const when = (time) => el("time", { datetime: time, title: time }, ago(time));
const lasted = (from, to) => {
  const minutes = Math.max(0, Math.round((new Date(to).getTime() - new Date(from).getTime()) / 60000));
  if (minutes < 60) return minutes + " min";
  return minutes < 2880 ? Math.floor(minutes / 60) + " h " + (minutes % 60) + " min" : Math.floor(minutes / 1440) + " d " + Math.floor(minutes % 1440 / 60) + " h";
};
const sessionRow = (one) => [one.agent, one.model, money(one.cost.total), compact.format(one.tokens.total), String(one.turns), when(one.endedAt), lasted(one.startedAt, one.endedAt)];
/** One row for each VM: it began with its oldest record, and is gone when a record says so. */
const machines = (vms) => {
  const found = new Map();
  for (const vm of vms) {
    const { newest = vm, destroyedAt } = found.get(vm.vmId) ?? {};
    found.set(vm.vmId, { newest, createdAt: vm.createdAt, destroyedAt: destroyedAt ?? vm.destroyedAt });
  }
  return [...found.values()];
};
const vmRow = ({ newest, createdAt, destroyedAt }) => [newest.vmId, newest.role, newest.agent, when(createdAt),
  destroyedAt === undefined ? "up " + lasted(createdAt, Date.now()) : "lasted " + lasted(createdAt, destroyedAt)];

const totals = watch({ into: part("totals"), load: () => Promise.all(["24h", "7d", "30d"].map((one) => json("?by=day&range=" + one))),
  render: (all) => ["24 hours", "7 days", "30 days"].map((label, n) => total(label)(all[n])) });
const spent = watch({ into: part("spent"), empty: "Nothing was spent in this time.",
  load: () => Promise.all([json("?range=" + range.value), json("?by=day&range=" + DAYS + "d")]),
  render: ([{ totals, byAgent, byModel, byTask }, { byDay }]) => {
    if (totals.sessions === 0 && Object.keys(byDay).length === 0) return null;
    return [chart(byDay), shares("By agent", byAgent), shares("By model", byModel), shares("By task", byTask)].flat(Infinity).filter((one) => one !== null);
  } });
const sessions = watch({ into: part("sessions"), empty: "No sessions.", load: () => json("/sessions?limit=" + ROWS_SHOWN + "&range=" + range.value),
  render: (page) => page.sessions.length === 0 ? null : table(["Agent", "Model", "Cost", "Tokens", "Turns", "Ended", "Lasted"], page.sessions.map(sessionRow)) });
const vms = watch({ into: part("vms"), empty: "No VMs.", load: () => json("/vms?limit=" + ROWS_SHOWN + "&range=" + range.value),
  render: (page) => page.vms.length === 0 ? null : table(["VM", "Role", "Agent", "Created", "Time"], machines(page.vms).map(vmRow)) });
range.addEventListener("change", () => { for (const one of [spent, sessions, vms]) one.refresh(); });
`;

export function usagePanel(): string {
  return panel({ name: "usage", style: STYLE, html: HTML, script: SCRIPT });
}
