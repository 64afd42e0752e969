// The dashboard's page and its files: bundled from `app/` when they are first asked for, and named by their content, so
// that browsers keep them for ever.
import { join } from "node:path";
import type { Context } from "hono";
import { html } from "hono/html";
import { ReefError } from "#core/errors.js";
import { PAGE_FILE_HEADERS, PAGE_HEADERS } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { THEME_CSS } from "./theme.js";

export interface AppFiles {
  page(c: Context): Promise<Response>;
  /** Throws `not_found` for what is no file of the page. */
  file(c: Context): Promise<Response>;
}

interface AppFile {
  name: string;
  type: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
}

interface Built {
  script: AppFile;
  style: AppFile;
}

export function createApp(ctx: ServiceContext): AppFiles {
  let building: Promise<Built> | undefined;

  /** A failure is tried again by the next who asks. */
  function built(): Promise<Built> {
    building ??= build().catch((error) => {
      building = undefined;
      ctx.log.error("the dashboard cannot be built:", error);
      throw error;
    });
    return building;
  }

  return {
    async page(c) {
      const { script, style } = await built();
      return c.html(document(script.name, style.name), 200, {
        ...PAGE_HEADERS,
        "Cache-Control": "no-store",
      });
    },
    async file(c) {
      const { script, style } = await built();
      const file = [script, style].find(({ name }) => name === c.req.param("file"));
      if (!file) throw new ReefError("not_found", "Not found");
      const isGzip = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
      return c.body(isGzip ? file.gzip : file.plain, 200, {
        ...PAGE_FILE_HEADERS,
        Vary: "Accept-Encoding",
        "Content-Type": file.type,
        ...(isGzip && { "Content-Encoding": "gzip" }),
      });
    },
  };
}

/** The frame that the app begins with stands here already: it is seen while the script is still read. */
function document(script: string, style: string) {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>reef</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/ui/static/${style}"><script type="module" src="/ui/static/${script}"></script></head>
<body><div id="app"><div class="shell"><header class="header"><a class="brand">reef</a></header></div></div><noscript>The dashboard needs JavaScript.</noscript></body>
</html>`;
}

async function build(): Promise<Built> {
  const entry = join(import.meta.dir, "app", "main.tsx");
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
    // Said here, since a service may run from a copy of its folder that has no tsconfig.json above it.
    jsx: { runtime: "automatic", importSource: "preact", development: false },
  });
  const script = outputs.find(({ kind }) => kind === "entry-point");
  const style = outputs.find(({ path }) => path.endsWith(".css"));
  if (!script || !style) throw new Error(`Bundling ${entry} gave no script, or no style.`);
  return {
    script: appFile("js", "text/javascript; charset=utf-8", await script.text()),
    style: appFile("css", "text/css; charset=utf-8", `${THEME_CSS}\n${await style.text()}`),
  };
}

function appFile(extension: string, type: string, text: string): AppFile {
  const plain = new TextEncoder().encode(text);
  const hash = new Bun.CryptoHasher("sha256").update(plain).digest("hex").slice(0, 16);
  return { name: `reef-${hash}.${extension}`, type, plain, gzip: Bun.gzipSync(plain) };
}
