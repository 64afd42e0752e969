// Services that tests of the dashboard write into a running reef: with a panel, routes of their own, a test that passes or
// fails.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Reef } from "../flow/reef.js";

export interface ServiceParts {
  description?: string;
  /** HTML of its panel. */
  panel?: string;
  /** Source of what follows `new Hono()`. */
  routes?: string;
  /** Source of further entries of the module. */
  more?: string;
  /** Source of its `init`. */
  init?: string;
  /** What its only test expects of 1. */
  expects?: number;
}

export function writeService(reef: Pick<Reef, "servicesDir">, name: string, parts: ServiceParts = {}): void {
  const { description = "Says hello", panel, routes = "", more = "", init = "", expects = 1 } = parts;
  const dir = join(reef.servicesDir, name);
  mkdirSync(dir, { recursive: true });
  const panelRoute = panel === undefined ? "" : `.get("/_panel", (c) => c.html(${JSON.stringify(panel)}))`;
  writeFileSync(
    join(dir, "index.ts"),
    `import { Hono } from "hono";
let told = null;
let asked = 0;
export default {
  name: ${JSON.stringify(name)},
  description: ${JSON.stringify(description)},
  routes: new Hono()${panelRoute}
    .get("/called", (c) => c.json({ said: "called" }))
    ${routes},
  ${more}
  init(ctx) { ${init} },
};
`,
  );
  writeFileSync(
    join(dir, `${name}.test.ts`),
    `import { expect, test } from "bun:test";
test("is one", () => expect(1).toBe(${expects}));
`,
  );
}

/** A panel that shows a text, then what its own route answers. */
export function sayingPanel(name: string, text: string): string {
  return `<p class="panel-${name}"></p><script>(() => {
  const place = document.querySelector(".panel-${name}");
  place.textContent = ${JSON.stringify(text).replaceAll("<", "\\u003c")};
  fetch(PANEL_API + "/${name}/called").then((answer) => answer.json()).then(({ said }) => place.append(" " + said));
})();</script>`;
}
