// Shows a service's panel in a real browser as the dashboard does: in a sandboxed frame of opaque origin, with PANEL_API.
import type { Frame, Page } from "playwright-core";
import type { TestHarness } from "../../src/core/testing.js";
import type { TestBrowser } from "../browser/browser.js";

const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "*",
  "Access-Control-Allow-Methods": "*",
};
const POLICY =
  "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export interface ShownPanel {
  page: Page;
  /** The panel's document. */
  frame: Frame;
  /** What the browser complained of. */
  complaints: string[];
  /** While true, calls of the panel are answered 503. */
  setBroken(isBroken: boolean): void;
  close(): Promise<void>;
}

export async function showPanel(
  browser: TestBrowser,
  harness: TestHarness,
  name: string,
): Promise<ShownPanel> {
  let isBroken = false;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, origin } = new URL(request.url);
      if (pathname === "/") return html(`<iframe sandbox="allow-scripts" src="/panel"></iframe>`);
      if (pathname === "/panel") return panelDocument(harness, name, origin);
      if (!pathname.startsWith("/api/")) return new Response(null, { status: 204 });
      if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
      if (isBroken)
        return Response.json({ error: "out of order", code: "unavailable" }, { status: 503, headers: CORS });
      return withCors(await forwarded(harness, request));
    },
  });
  const { page, complaints } = await browser.tab();
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(server.url.href);
  const frame = page.frames().find((one) => one.url().endsWith("/panel"));
  if (!frame) throw new Error("The page has no panel.");
  return {
    page,
    frame,
    complaints,
    setBroken: (broken) => {
      isBroken = broken;
    },
    async close() {
      await page.context().close();
      await server.stop(true);
    },
  };
}

async function panelDocument(harness: TestHarness, name: string, origin: string): Promise<Response> {
  const fragment = await (await harness.fetch(`/${name}/_panel`, { auth: true })).text();
  const document = `<!doctype html><meta charset="utf-8"><script>var PANEL_API = "/api", PANEL_NAME = "${name}";</script>${fragment}`;
  return html(document, { "Content-Security-Policy": `${POLICY}; connect-src ${origin}/api/` });
}

function html(text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { headers: { "Content-Type": "text/html; charset=utf-8", ...headers } });
}

async function forwarded(harness: TestHarness, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${harness.authToken}`);
  const body = request.body === null ? undefined : await request.arrayBuffer();
  const { method, signal } = request;
  const inner = new Request(`http://localhost${pathname.slice("/api".length)}${search}`, {
    method,
    headers,
    body,
    signal,
  });
  return harness.app.fetch(inner);
}

function withCors(response: Response): Response {
  const headers = new Headers({ ...Object.fromEntries(response.headers), ...CORS });
  return new Response(response.body, { status: response.status, headers });
}
