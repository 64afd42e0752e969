// The page of the documentation in a browser: what a reader finds, what can be tried, and what a hostile module cannot do.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { cleanUp, type Reef, startReef, temporaryFolder } from "../flow/reef.js";
import {
  describeInBrowser,
  openBrowser,
  shoot,
  type Tab,
  type TabOptions,
  type TestBrowser,
} from "./browser.js";
import { barriers, overflowOf } from "./look.js";

const TOKEN = "server-token-docs-ui";

/** Leaves a trace if anything of it is taken for markup or script. */
const ATTACK = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'"\`--></title></details></script>`;

const HOSTILE = `
import { Hono } from "hono";
const attack = ${JSON.stringify(ATTACK)};
const param = { type: attack, required: true, description: attack };
const fields = { [attack]: param, id: param };
export default {
  name: "hostile",
  description: attack,
  publicRoutes: ["GET /open"],
  routes: new Hono()
    .get("/open", (c) => c.html(attack))
    .get("/bytes", (c) => c.body(new Uint8Array(300), 200, {
      "Content-Type": "application/gzip",
      "Content-Disposition": 'attachment; filename="a<b>.tar.gz"',
    }))
    .post("/:id", (c) => c.text(attack))
    .all("/any/:a?", async (c) => c.json({ method: c.req.method, url: c.req.url, body: await c.req.text() }))
    .get('/"><script>window.hacked=1<\\/script>', (c) => c.text(attack))
    .get("/quote\\"onload='window.hacked=1'/:a{[<>]+}", (c) => c.text(attack)),
  routeDocs: {
    "GET /open": { summary: attack, detail: attack, query: fields, response: attack },
    "POST /:id": { summary: attack, detail: attack, params: fields, query: fields, body: fields, response: attack },
  },
};
`;

describeInBrowser("/docs/ui", () => {
  let reef: Reef;
  let browser: TestBrowser;

  beforeAll(async () => {
    const servicesDir = temporaryFolder("reef-docs-ui-");
    mkdirSync(join(servicesDir, "hostile"));
    writeFileSync(join(servicesDir, "hostile/index.ts"), HOSTILE);
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "0" };
    reef = await startReef({ token: TOKEN, servicesDir, env });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  async function open(hash = "", options: TabOptions = {}): Promise<Tab> {
    const tab = await browser.tab(options);
    await tab.page.goto(`${reef.url}/docs/ui${hash}`);
    if (options.scripts !== false) await tab.page.locator("details.access").waitFor();
    return tab;
  }

  /** A browser reports the 401 of the dashboard that says that there is no session. */
  const complaintsOf = ({ complaints }: Tab) =>
    complaints.filter((one) => !one.endsWith(`${reef.url}/ui/session`));

  const route = ({ page }: Tab, method: string, path: string) =>
    page.locator(`details.route[data-method="${method}"][data-path=${JSON.stringify(path)}]`);

  async function openRoute(tab: Tab, method: string, path: string): Promise<Locator> {
    const found = route(tab, method, path);
    await found.locator("summary").first().click();
    await found.getByRole("button", { name: "Send" }).waitFor();
    return found;
  }

  const input = (form: Locator, name: string) => form.getByLabel(name, { exact: true });
  const send = (form: Locator) => form.getByRole("button", { name: "Send" }).click();
  const shown = (form: Locator) => form.getByLabel("Body of the answer");

  async function typeToken({ page }: Tab): Promise<void> {
    await page.locator(".access > summary").click();
    await page.getByLabel("Token", { exact: true }).fill(TOKEN);
    await page.keyboard.press("Escape");
  }

  test("shows every live service with its routes, and nothing is blocked or missing (spec §8)", async () => {
    const { page, complaints } = await open();
    const { services }: { services: { name: string; routes: unknown[] }[] } = await reef.api("GET", "/docs");
    const names = await page.locator("section.service h2").allTextContents();
    expect(names).toEqual([...services.map(({ name }) => name), "docs"].sort());
    expect(await page.locator("nav a span").allTextContents()).toEqual(names);
    for (const { name, routes } of services) {
      const section = page.locator("section.service", { has: page.locator(`h2[id="-${name}"]`) });
      expect(await section.locator("details.route").count()).toBe(routes.length);
    }
    expect(complaints).toEqual([]);
  });

  test("is readable without a script", async () => {
    const tab = await open("", { scripts: false });
    const store = route(tab, "PUT", "/store/:key");
    await store.locator("summary").click();
    await store.getByText("With If-Match only over that version").waitFor();
    expect(await tab.page.locator(".access").isVisible()).toBe(false);
  });

  for (const theme of ["light", "dark"] as const) {
    for (const width of [1400, 390]) {
      test(`is legible at ${width} px, ${theme}: contrast, names, nothing to scroll sideways`, async () => {
        const tab = await open("", { width, theme, height: width < 500 ? 844 : 900 });
        await shoot(tab, `docs-${width}-${theme}`);
        await typeToken(tab);
        const form = await openRoute(tab, "PUT", "/store/:key");
        await input(form, "key").fill("greeting");
        await form.getByLabel("Body (JSON)").fill('{"value":"hello"}');
        await send(form);
        await form.getByText("200 OK").waitFor();
        await form.evaluate((element) => element.scrollIntoView());
        await shoot(tab, `docs-${width}-${theme}-tried`);
        if (width === 1400) expect(await barriers(tab)).toEqual([]);
        expect(await overflowOf(tab)).toBe(0);
        expect(complaintsOf(tab)).toEqual([]);
      });
    }
  }

  test("fits into 320 px with every route open", async () => {
    const tab = await open("", { width: 320 });
    await tab.page.locator("details.route").evaluateAll((all) => {
      for (const one of all) if (one instanceof HTMLDetailsElement) one.open = true;
    });
    await tab.page.getByRole("button", { name: "Send" }).last().waitFor();
    expect(await overflowOf(tab)).toBe(0);
    expect(await barriers(tab)).toEqual([]);
  });

  test("the filter shows what holds every word, says how much that is, and lets go", async () => {
    const { page } = await open();
    const all = await page.locator("#found").textContent();
    await page.keyboard.press("/");
    await page.keyboard.type("HOSTILE bytes");
    await page.getByText(/^1 of \d+ routes$/).waitFor();
    expect(await page.locator("details.route:visible .path").allTextContents()).toEqual(["/hostile/bytes"]);
    expect(await page.locator("nav a:visible").allTextContents()).toEqual(["hostile 1"]);
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("/hostile/bytes");

    await page.keyboard.press("/");
    await page.keyboard.type("qqq zzz");
    await page.getByText("No route matches.").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    expect(await page.locator("#found").textContent()).toBe(all);
    await page.keyboard.type("tree");
    await page.keyboard.press("Escape");
    expect(await page.locator("#found").textContent()).toBe(all);
    expect(await page.getByText("No route matches.").isVisible()).toBe(false);
  });

  test("a slash that is typed into a form stays there", async () => {
    const tab = await open();
    const form = await openRoute(tab, "GET", "/store/*");
    await input(form, "*").pressSequentially("a/b");
    expect(await input(form, "*").inputValue()).toBe("a/b");
  });

  test("a link to a route opens it, and the list shows where one reads", async () => {
    const { page } = await open("#store_put_store_key");
    await page.locator("details#store_put_store_key[open]").waitFor();
    await page.locator('nav a[href="#-store"][aria-current]').waitFor();
    await page.locator('nav a[href="#-reef"]').click();
    await page.locator('nav a[href="#-reef"][aria-current]').waitFor();
  });

  test("a GET is sent with the token that is typed in, which is kept nowhere (spec §8)", async () => {
    await reef.api("PUT", "/store/tried%2Fone", { value: { deep: ["<b>"] } });
    const tab = await open();
    const form = await openRoute(tab, "GET", "/store/:key");
    await input(form, "key").fill("tried/one");
    await send(form);
    await form.getByText("401 Unauthorized").waitFor();
    await form.getByText("This route needs a token.").waitFor();

    await tab.page.keyboard.type(TOKEN);
    await send(form);
    await form.getByText("200 OK").waitFor();
    await tab.page.waitForFunction(() => document.querySelector(".shown")?.textContent?.includes("deep"));
    expect(JSON.parse((await shown(form).textContent()) ?? "")).toMatchObject({
      key: "tried/one",
      value: { deep: ["<b>"] },
    });

    const kept = await tab.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
    );
    expect(kept).not.toContain(TOKEN);
    expect(await form.getByLabel("The same for a shell").textContent()).not.toContain(TOKEN);
    await tab.page.reload();
    expect(await tab.page.locator(".access > summary").textContent()).toBe("Token: none");
    expect(await tab.page.locator("#token").inputValue()).toBe("");
  });

  test("what is missing is asked for before anything is sent", async () => {
    const tab = await open();
    const asked: string[] = [];
    tab.page.on("request", (request) => asked.push(request.url()));
    const form = await openRoute(tab, "GET", "/store/:key");
    await send(form);
    expect(await input(form, "key").evaluate((element) => element.matches(":invalid:focus"))).toBe(true);
    await input(form, "key").fill("..");
    await send(form);
    await form.getByText('key cannot be ".." in a path.').first().waitFor();
    expect(asked).toEqual([]);
  });

  test("a route for every method is sent with the one that is chosen, and its optional segment may stay blank", async () => {
    const tab = await open();
    await typeToken(tab);
    const form = await openRoute(tab, "ALL", "/hostile/any/:a?");
    await form.getByLabel("Method").selectOption("PATCH");
    await form.getByLabel("Query").fill("a=1&b=2");
    await form.getByLabel("Body (JSON)").fill('{"x":1}');
    await send(form);
    await form.getByText("200 OK").waitFor();
    await tab.page.waitForFunction(() => document.querySelector(".shown")?.textContent?.includes("PATCH"));
    expect(JSON.parse((await shown(form).textContent()) ?? "")).toEqual({
      method: "PATCH",
      url: `${reef.url}/hostile/any?a=1&b=2`,
      body: '{"x":1}',
    });
  });

  test("a stream is shown as it comes, until it is stopped", async () => {
    const tab = await open();
    await typeToken(tab);
    const form = await openRoute(tab, "GET", "/reef/events");
    await input(form, "since").fill("0");
    await send(form);
    await form.getByText("200 OK").waitFor();
    await tab.page.waitForFunction(() => document.querySelector(".shown")?.textContent?.includes("data: "));
    await form.getByRole("button", { name: "Stop" }).click();
    await form.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
    expect(await shown(form).textContent()).toContain("data: ");
  });

  test("what is no text is offered as a file", async () => {
    const tab = await open();
    await typeToken(tab);
    const form = await openRoute(tab, "GET", "/hostile/bytes");
    await send(form);
    await form.getByText("300 bytes.").waitFor();
    const download = tab.page.waitForEvent("download");
    await form.getByRole("link", { name: "Save a<b>.tar.gz" }).click();
    expect((await download).suggestedFilename()).toMatch(/^a.b..tar.gz$/);
    expect(complaintsOf(tab)).toEqual([]);
  });

  test("nothing of a hostile module is run, read or tried (spec §8)", async () => {
    const tab = await open();
    const hacked = () => tab.page.evaluate(() => "hacked" in window);
    await tab.page
      .locator("section.service", { has: tab.page.locator("#-hostile") })
      .locator("details.route")
      .evaluateAll((all) => {
        for (const one of all) if (one instanceof HTMLDetailsElement) one.open = true;
      });
    const form = route(tab, "GET", "/hostile/open");
    await send(form);
    await form.getByText("200 OK").waitFor();
    await tab.page.waitForFunction(
      (attack) => document.querySelector(".shown")?.textContent === attack,
      ATTACK,
    );
    expect(await form.getByText(ATTACK, { exact: true }).count()).toBeGreaterThan(4);
    expect(await tab.page.title()).toBe("reef · API");
    expect(await tab.page.locator("img").count()).toBe(0);
    expect(await hacked()).toBe(false);
    expect(complaintsOf(tab)).toEqual([]);
  });

  test("with a session at the dashboard requests go through its proxy, without a token (spec §8)", async () => {
    await reef.api("PUT", "/store/through", { value: "the proxy" });
    const tab = await browser.tab();
    const { page } = tab;
    const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
    await page.goto(url);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".row").first().waitFor();
    await page.goto(`${reef.url}/docs/ui`);
    const form = await openRoute(tab, "GET", "/store/:key");
    await input(form, "key").fill("through");
    const [request] = await Promise.all([
      page.waitForRequest(`${reef.url}/ui/api/store/through`),
      send(form),
    ]);
    await form.getByText("200 OK").waitFor();
    await page.waitForFunction(() => document.querySelector(".shown")?.textContent?.includes("the proxy"));
    expect(request.headers().authorization).toBeUndefined();
    expect(await page.locator(".access > summary").textContent()).toBe("Signed in");

    const written = await openRoute(tab, "PUT", "/store/:key");
    await input(written, "key").fill("through");
    await written.getByLabel("Body (JSON)").fill('{"value":"written"}');
    await send(written);
    await written.getByText("200 OK").waitFor();
    expect((await reef.api("GET", "/store/through")).value).toBe("written");
    expect(complaintsOf(tab)).toEqual([]);
  });

  test("without a session a dashboard is not asked to pass anything on (spec §8)", async () => {
    const tab = await open();
    await typeToken(tab);
    const form = await openRoute(tab, "GET", "/docs/:service");
    await input(form, "service").fill("store");
    const [request] = await Promise.all([tab.page.waitForRequest(`${reef.url}/docs/store`), send(form)]);
    expect(request.headers().authorization).toBe(`Bearer ${TOKEN}`);
  });

  test("a session that ends is noticed, and a token is asked for", async () => {
    await reef.api("PUT", "/store/ended", { value: 1 });
    const tab = await browser.tab();
    const { page } = tab;
    const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
    await page.goto(url);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".row").first().waitFor();
    await page.goto(`${reef.url}/docs/ui`);
    const form = await openRoute(tab, "GET", "/store/:key");
    await input(form, "key").fill("ended");
    await send(form);
    await form.getByText("200 OK").waitFor();
    await page.context().clearCookies();
    await send(form);
    await form.getByText("This route needs a token.").waitFor();
    await page.keyboard.type(TOKEN);
    await send(form);
    await form.getByText("200 OK").waitFor();
  });
});
