// The pages of signing in: how to get a link, the button that uses one, and what a link that is no good gets.
import type { Context } from "hono";
import { html, raw } from "hono/html";
import { THEME_CSS } from "./theme.js";

export type LoginPage =
  | { kind: "howto" }
  | { kind: "link"; token: string }
  | { kind: "refused" }
  /** Too many were refused; `wait` is in seconds. */
  | { kind: "slow"; wait: number };

const STATUS = { howto: 200, link: 200, refused: 401, slow: 429 } as const;

const STYLE = `${THEME_CSS}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--bg); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { width: min(26rem, 100vw - 3rem); background: var(--bg-panel); border: 1px solid var(--border); border-radius: 12px; padding: 2rem; box-sizing: border-box; }
h1 { margin: 0 0 .75rem; font-size: 1.3rem; color: var(--text-bright); }
p { margin: 0 0 1rem; }
code { display: block; overflow-wrap: anywhere; padding: .6rem .8rem; border-radius: 6px; background: var(--bg-card); font: 14px/1.4 ui-monospace, monospace; }
button { width: 100%; min-height: 44px; border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }`;

const STYLE_HASH = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");

/** A click is needed, and Enter does it; nothing submits by itself, for some that read links run scripts. */
export function loginPage(c: Context, page: LoginPage): Response | Promise<Response> {
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "same-origin");
  c.header("X-Content-Type-Options", "nosniff");
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  if (page.kind === "slow") c.header("Retry-After", String(page.wait));
  return c.html(document(page), STATUS[page.kind]);
}

function document(page: LoginPage) {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>reef: sign in</title>
<style>${raw(STYLE)}</style></head>
<body><main>${content(page)}</main></body>
</html>`;
}

function content(page: LoginPage) {
  switch (page.kind) {
    case "link":
      return html`<h1>Sign in to reef</h1><p>This link works once.</p>
<form method="post" action="/ui/login"><input type="hidden" name="token" value="${page.token}"><button autofocus>Sign in</button></form>`;
    case "slow":
      return html`<h1>Too many failed logins</h1><p>Try again in ${page.wait} s.</p>`;
    case "refused":
      return html`<h1>Invalid or expired link</h1><p>A link works once, and for five minutes. Ask for a new one:</p>${WAYS}`;
    case "howto":
      return html`<h1>Sign in to reef</h1><p>A link that works once, for five minutes, lets you in. Ask the server for one:</p>${WAYS}`;
  }
}

const WAYS = html`<code>reef open</code>
<p>or, without the command line:</p>
<code>curl -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" <em>&lt;this server&gt;</em>/auth/magic-link</code>`;
