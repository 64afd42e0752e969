// The dashboard's page and its files: who gets them, what they may do, how long they are kept.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { routesOf } from "#core/http.js";
import { type Browser, openHarness, refusalOf, type UiHarness } from "./harness.js";
import ui from "./index.js";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const HTML = { accept: "text/html,*/*" };

let harness: UiHarness;
let browser: Browser;
beforeAll(async () => {
  harness = await openHarness();
  browser = await harness.signIn();
});
afterAll(() => harness.cleanup());

describe("where requests are led (spec §13.2)", () => {
  test.each([
    ["/ui/", 302, "/ui/login"],
    ["/ui", 302, "/ui/login"],
    ["/ui/report/01J", 302, "/ui/login"],
    ["/", 302, "/ui/"],
  ])("without a session %s is %i to %s", async (path, status, location) => {
    const answer = await harness.fetch(path, { headers: HTML });
    expect([answer.status, answer.headers.get("location")]).toEqual([status, location]);
  });

  test.each([
    ["/ui", 308, "/ui/"],
    ["/ui/report/01J", 302, "/ui/#/panel/reports?open=01J"],
    ["/ui/report/a%26b%23%3Cc", 302, "/ui/#/panel/reports?open=a%26b%23%3Cc"],
    ["/", 302, "/ui/"],
  ])("with a session %s is %i to %s", async (path, status, location) => {
    const answer = await browser(path, { headers: HTML });
    expect([answer.status, answer.headers.get("location")]).toEqual([status, location]);
  });

  test("programs that ask for / get what they got before there was a dashboard", async () => {
    const answer = await harness.fetch("/", { headers: { accept: "application/json" } });
    expect([answer.status, await answer.json()]).toEqual([404, { error: "not found" }]);
  });

  test("an unknown path under it is 404", async () => {
    for (const path of ["/ui/nothing", "/ui/static", "/ui/static/a/b", "/auth", "/auth/magic-link"])
      expect((await browser(path)).status).toBe(404);
  });
});

describe("the page (spec §13.2)", () => {
  test("may load and call this server alone, and is kept by nobody", async () => {
    const page = await browser("/ui/");
    expect(page.status).toBe(200);
    const { headers } = page;
    expect(headers.get("content-type")).toMatch(/^text\/html; charset=utf-8$/i);
    expect(headers.get("content-security-policy")).toBe(POLICY);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("permissions-policy")).toMatch(/^[a-z-]+=\(\)(, [a-z-]+=\(\))+$/);
    expect(headers.get("cache-control")).toBe("no-store");
    const text = await page.text();
    expect(text).not.toMatch(/<script>|<style>|\sstyle=|\son\w+=|https?:/);
    expect(text.match(/(src|href)="[^"]*"/g)).toHaveLength(3);
  });

  test("its files are named by their content, open, and kept for ever", async () => {
    const text = await (await browser("/ui/")).text();
    const paths = text.match(/\/ui\/static\/[^"]+/g) ?? [];
    expect(paths).toEqual([
      expect.stringMatching(/^\/ui\/static\/reef-[0-9a-f]{16}\.css$/),
      expect.stringMatching(/^\/ui\/static\/reef-[0-9a-f]{16}\.js$/),
    ]);
    for (const path of paths) {
      const file = await harness.fetch(path);
      expect(file.status).toBe(200);
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("content-type")).toMatch(/^text\/(css|javascript); charset=utf-8$/);
      const bytes = await file.bytes();
      const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
      expect(path).toContain(hash.slice(0, 16));
      const small = await harness.fetch(path, { headers: { "accept-encoding": "br, gzip" } });
      expect([small.headers.get("content-encoding"), small.headers.get("vary")]).toEqual([
        "gzip",
        "Accept-Encoding",
      ]);
      expect(Bun.gunzipSync(await small.bytes())).toEqual(bytes);
    }
  });

  test("its script evaluates no text and its style refers to nothing elsewhere", async () => {
    const text = await (await browser("/ui/")).text();
    const [style = "", script = ""] = text.match(/\/ui\/static\/[^"]+/g) ?? [];
    expect(await (await harness.fetch(style)).text()).not.toMatch(/@import|url\(/);
    expect(await (await harness.fetch(script)).text()).not.toMatch(/\beval\(|new Function\(/);
  });

  test("no other name is a file of it", async () => {
    for (const name of [
      "reef-0000000000000000.js",
      "main.tsx",
      "..%2findex.ts",
      "%00",
      "%",
      "x".repeat(3_000),
    ])
      expect(await refusalOf(harness.fetch(`/ui/static/${name}`))).toEqual([404, "Not found", "not_found"]);
  });
});

describe("the documents", () => {
  test("name every route, and no other (spec §1.9)", () => {
    const routes = routesOf(ui).map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(ui.routeDocs ?? {}).sort()).toEqual(routes.sort());
  });

  test("the README has a curl line for each, and tells limits and events (spec §1.1)", async () => {
    const readme = await Bun.file(join(import.meta.dir, "README.md")).text();
    const lines = readme.split("\n").filter((line) => line.startsWith("curl "));
    for (const { method, path } of routesOf(ui)) {
      const pattern = path.replace(/\/\*$/, "/\\S*").replace(/:\w+/g, '[^/\\s"]+');
      const called = new RegExp(`\\$REEF${pattern}["\\s?]`);
      const methods = { GET: /^(?!.*-X)/, ALL: /./ }[method] ?? new RegExp(`-X ${method} `);
      const isShown = lines.some((line) => called.test(`${line} `) && methods.test(line));
      expect({ method, path, isShown }).toEqual({ method, path, isShown: true });
    }
    for (const told of ["ui_login", "ui_logout", "ui_services_changed", "| limit"])
      expect(readme).toContain(told);
  });
});
