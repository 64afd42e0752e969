// The fragment that a module's `GET /_panel` answers with.
import { PANEL_KIT, PANEL_STYLE } from "./panel-kit.js";

export interface PanelParts {
  /** The module's name. */
  name: string;
  /** Scoped to the panel. */
  style?: string;
  html: string;
  /**
   * Runs in a function of its own with `root` (the panel's element), `escape(text)`, `api(path, init)`, which calls the
   * module's own routes, and what else `PANEL_KIT` describes.
   */
  script?: string;
}

export function panel({ name, style = "", html, script = "" }: PanelParts): string {
  return `<style>
.panel-${name} {${PANEL_STYLE}}
.panel-${name} { ${style.replace(/<\/(?=style)/gi, "<\\/")} }
</style>
<div class="panel-${name}">${html}</div>
<script>
(() => {
const NAME = "${name}";
const root = document.querySelector(".panel-${name}");
const api = (path, init) => fetch(PANEL_API + "/${name}" + path, init);
${PANEL_KIT}
{
${script.replace(/<\/(?=script)/gi, "<\\/")}
}
})();
</script>
`;
}
