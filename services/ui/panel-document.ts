// The document around a panel: the theme, the two names that a panel knows, and the walls.
import { html, raw } from "hono/html";
import { THEME_CSS } from "./theme.js";

const STYLE = `${THEME_CSS}
html, body { margin: 0; background: var(--bg-panel); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
body { padding: 16px; max-width: 1100px; margin: 0 auto; }
:where(h1, h2, h3) { margin: 24px 0 8px; font-size: 15px; color: var(--text-bright); }
:where(h1, h2, h3):first-child { margin-top: 0; }
:where(th) { font-weight: 500; font-size: 12px; color: var(--text-dim); }
:root[data-theme="dark"] [class^="panel-"] { color-scheme: dark; }
:root[data-theme="light"] [class^="panel-"] { color-scheme: light; }`;

const SETUP = `for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) Object.defineProperty(window, name, { value: undefined });
addEventListener("message", ({ data, source }) => {
  if (source === parent && data && data.type === "reef:theme") document.documentElement.dataset.theme = data.theme;
});`;

export interface PanelPage {
  /** The service. */
  name: string;
  /** HTML that its service made. */
  fragment: string;
  /** Of the capability with which its script calls. */
  secret: string;
  /** Anything but `light` and `dark` follows the system. */
  theme: string | undefined;
}

export function panelDocument({ name, fragment, secret, theme }: PanelPage) {
  const globals = `var PANEL_API = ${inScript(`/ui/p/${secret}/api`)};\nvar PANEL_NAME = ${inScript(name)};`;
  const shown = theme === "light" || theme === "dark" ? raw(` data-theme="${theme}"`) : "";
  return html`<!doctype html>
<html lang="en"${shown}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${name}</title>
<style>${raw(STYLE)}</style><script>${raw(`${globals}\n${SETUP}`)}</script></head>
<body>${raw(fragment)}</body>
</html>`;
}

/**
 * The document says itself that it is sandboxed, so that opening it in a tab of its own is no way out. `places` are the
 * addresses under which it may call.
 */
export function panelHeaders(places: readonly string[]): Record<string, string> {
  return {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    // Browsers that know no "webrtc" in the policy would let a peer connection carry anything anywhere.
    "Connection-Allowlist": "(response-origin)",
    "Content-Security-Policy": [
      "sandbox allow-scripts",
      "default-src 'none'",
      "script-src 'unsafe-inline'",
      "style-src 'unsafe-inline'",
      `img-src data: blob: ${places.join(" ")}`,
      `connect-src ${places.join(" ")}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
      "webrtc 'block'",
    ].join("; "),
  };
}

function inScript(text: string): string {
  return JSON.stringify(text).replaceAll("<", "\\u003c");
}
