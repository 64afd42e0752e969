// The documentation over HTTP: JSON, OpenAPI, and the page with its two files.
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { PAGE_FILE_HEADERS, PAGE_HEADERS } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { type Assets, readAssets } from "./assets.js";
import { type Catalogue, createCatalogue } from "./catalogue.js";
import { once } from "./once.js";
import { openApiOf } from "./openapi.js";
import { pageOf } from "./page.js";
import type { ServiceDoc } from "./service.js";

export function createRoutes(ctx: ServiceContext): Hono {
  const catalogue = createCatalogue(ctx);
  const assets = once(() => readAssets(import.meta.dir));
  const version = once(() => reefVersion(ctx));
  const needsToken = ctx.config.token !== undefined;
  const page = catalogue.kept((services, files: Assets) =>
    pageOf({ services: services.map(({ doc }) => doc), files, needsToken }),
  );
  const openApi = catalogue.kept((services, of: string) => JSON.stringify(openApiOf(services, of)));
  return new Hono()
    .get("/", (c) => c.json({ services: listed(catalogue, ctx.name) }))
    .get("/ui", async (c) => c.body(page(await assets()), 200, HTML_HEADERS))
    .get("/ui/:file", async (c) => file(c, await assets()))
    .get("/openapi.json", async (c) => c.body(openApi(await version()), 200, JSON_HEADERS))
    .get("/:service", (c) => c.json(named(c.req.param("service"), catalogue)));
}

const JSON_HEADERS = { "Content-Type": "application/json" };
const HTML_HEADERS = {
  ...PAGE_HEADERS,
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-cache",
};

/** The documentation leaves itself out. */
function listed(catalogue: Catalogue, ownName: string): ServiceDoc[] {
  return docsOf(catalogue).filter(({ name }) => name !== ownName);
}

function named(name: string, catalogue: Catalogue): ServiceDoc {
  const found = docsOf(catalogue).find((service) => service.name === name);
  if (!found) throw new ReefError("not_found", `Service "${name}" not found`);
  return found;
}

function docsOf(catalogue: Catalogue): ServiceDoc[] {
  return catalogue.services().map(({ doc }) => doc);
}

function file(c: Context, { style, script }: Assets): Response {
  const asset = [style, script].find((one) => one.file === c.req.param("file"));
  if (!asset) throw new ReefError("not_found", "Not found");
  return c.body(asset.text, 200, { ...PAGE_FILE_HEADERS, "Content-Type": asset.type });
}

const VersionAnswer = Type.Object({ version: Type.String() });

async function reefVersion(ctx: ServiceContext): Promise<string> {
  const answer = await ctx.fetch("/version");
  return Value.Parse(VersionAnswer, await answer.json()).version;
}
