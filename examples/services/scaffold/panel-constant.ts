// The panel in `index.ts` of a new service: a fragment that lists the items, where there is a route that lists them.
import type { Plan } from "./plan.js";
import { assigned, text } from "./source.js";

export function panelConstant(plan: Plan): string {
  const list = plan.routes.find(({ deed }) => deed === "list");
  const html = `<h3>${plan.name}</h3><p class="muted">${escapeHtml(plan.description)}</p><div data-items></div>`;
  return [
    `// The dashboard shows it as <div class="panel-${plan.name}">, in a frame of its own. In its script, api and json call`,
    `// this service at PANEL_API + "/${plan.name}", and el makes elements from text.`,
    "const PANEL = panel({",
    assigned("name:", text(plan.name), { indent: 2, end: "," }),
    assigned("html:", text(html), { indent: 2, end: "," }),
    ...(list === undefined ? [] : [scriptProperty(list.path)]),
    "});",
  ].join("\n");
}

/** A path holds nothing that ends a template. */
function scriptProperty(path: string): string {
  return `  script: \`
    watch({
      into: root.querySelector("[data-items]"),
      load: () => json("${path}"),
      render: ({ items }) =>
        items.length === 0 ? null : items.map((item) => el("pre", { class: "card" }, JSON.stringify(item, null, 2))),
    });
  \`,`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
