// Panels in the dashboard, in a real browser: what one may do, what a hostile one gets of all that it tries, and for how
// long what it was given is good.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Frame } from "playwright-core";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import {
  ATTACK,
  type Dashboard,
  goTo,
  isHacked,
  openDashboard,
  panelFrame,
  showPanel,
  signIn,
} from "./dashboard.js";
import { EXAMPLE_PANEL, EXAMPLE_STREAM } from "./fixtures/example-panel.js";
import { attack, callFromFrame, depart, fragmentOf, type Outcomes } from "./fixtures/hostile-panel.js";
import { type Recorder, startRecorder } from "./recorder.js";
import { sayingPanel, writeService } from "./write-service.js";

const TOKEN = "server-token-panels";
const PANEL_MS = 2_000;
/** What comes late comes within this. */
const LATE_MS = 1_500;

/** Services of this file that take down what they are told. */
const TELLING = `.post("/report", async (c) => { told = await c.req.json(); return c.json({}); })
    .get("/report", (c) => c.json(told))
    .get("/secret", (c) => { asked += 1; return c.json({ asked }); })`;

describeInBrowser("panels in the dashboard", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let recorder: Recorder;
  let dashboard: Dashboard;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "0" };
    [reef, browser, recorder] = await Promise.all([
      startReef({ token: TOKEN, env }),
      openBrowser(),
      startRecorder(),
    ]);
    dashboard = await openDashboard(reef, browser);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    recorder?.stop();
    await cleanUp();
  });

  async function load(name: string, parts: Parameters<typeof writeService>[2]): Promise<void> {
    writeService(reef, name, parts);
    await reef.api("POST", `/services/reload/${name}`);
  }

  const shown = (name: string, text: string | RegExp) => showPanel(dashboard, name, text);

  test("the page and a panel each say in their policy what they may, to the letter (spec §13.2, §13.4)", async () => {
    const { page } = dashboard;
    await load("greeter", { panel: sayingPanel("greeter", "hello one") });
    const [shell, panel] = await Promise.all([
      page.waitForResponse(`${reef.url}/ui/`),
      page.waitForResponse((one) => one.url().includes("/ui/panel/greeter")),
      page.goto(`${reef.url}/ui/#/panel/greeter`).then(() => page.reload()),
    ]);
    expect(await shell.headerValue("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    const places = `${reef.url}${(await apiOf(await shown("greeter", "hello one called"))).replace(/api$/, "")}`;
    const policy = (await panel.headerValue("content-security-policy")) ?? "";
    expect(policy.replaceAll(/\/ui\/p\/[\w-]{43}\//g, "/ui/p/CAP/")).toBe(
      "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob: ORIGIN/ui/p/CAP/; connect-src ORIGIN/ui/p/CAP/; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; webrtc 'block'".replaceAll(
        "ORIGIN",
        reef.url,
      ),
    );
    expect(places).toMatch(/\/ui\/p\/[\w-]{43}\/$/);
    const frame = page.locator("iframe.panel-frame");
    expect(await frame.getAttribute("sandbox")).toBe("allow-scripts");
    expect(await frame.getAttribute("referrerpolicy")).toBe("no-referrer");
    expect(await page.locator("iframe").count()).toBe(1);
  });

  test("the panel of the create-service document runs as it stands, streams included (spec §13.4)", async () => {
    const stream = `.get("/stream", () => new Response('data: {"said":"so"}\\n\\n', { headers: { "Content-Type": "text/event-stream" } }))`;
    const items = `.get("/items", (c) => c.json({ items: [{ name: ${JSON.stringify(ATTACK)} }, { name: "second" }] }))`;
    const reading = EXAMPLE_PANEL.replace("load();\n", `load().then(() => {\n${EXAMPLE_STREAM}\n});\n`);
    await load("myservice", { panel: EXAMPLE_PANEL, routes: `${items}${stream}` });
    const frame = await shown("myservice", "second");
    expect(await frame.locator(".card").allTextContents()).toEqual([ATTACK, "second"]);
    expect(await frame.evaluate(() => "hacked" in window)).toBe(false);
    const card = frame.locator(".card").first();
    expect(await card.evaluate((element) => getComputedStyle(element).backgroundColor)).toBe(
      await dashboard.page.evaluate(backgroundOf, "--bg-card"),
    );
    await load("myservice", { panel: reading, routes: `${items}${stream}` });
    await shown("myservice", "streamed so");
  });

  test("the theme is followed live, in the same document (spec §13.4)", async () => {
    const { page } = dashboard;
    const frame = await shown("greeter", "hello one called");
    const api = await apiOf(frame);
    const button = page.getByRole("button", { name: /^Theme:/ });
    const seen: string[] = [];
    for (const theme of ["light", "dark"]) {
      await button.click();
      await page.locator(`html[data-theme="${theme}"]`).waitFor();
      await frame.locator(`html[data-theme="${theme}"]`).waitFor();
      const color = await frame.evaluate(backgroundOf, "--bg-panel");
      expect(color).toBe(await page.evaluate(backgroundOf, "--bg-panel"));
      seen.push(color);
    }
    expect(new Set(seen).size).toBe(2);
    await button.click();
    await page.locator("html:not([data-theme])").waitFor();
    expect(await apiOf(frame)).toBe(api);
  });

  test("a panel may have a node opened, and nothing else (spec §13.4)", async () => {
    const { page } = dashboard;
    const { root } = await reef.api<{ root: string }>("GET", "/reef/tree?limit=1");
    const frame = await shown("greeter", "hello one called");
    await frame.evaluate(
      (nodeId) => parent.postMessage({ type: "reef:open", nodeId: `${nodeId}/../../panel/x` }, "*"),
      root,
    );
    await frame.evaluate((nodeId) => parent.postMessage({ type: "reef:open", nodeId }, "*"), root);
    await page.waitForURL(`${reef.url}/ui/#/node/${root}`);
  });

  test("a page without these walls is heard, so that silence says something", async () => {
    const { page } = await browser.tab();
    await page.goto(`http://${recorder.host}/`);
    await page.evaluate(async (udpHost) => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:${udpHost}` }] });
      peer.createDataChannel("x");
      await peer.setLocalDescription(await peer.createOffer());
    }, recorder.udpHost);
    await heard(/^tcp: GET \//);
    await heard(/^udp: /);
    await page.context().close();
    recorder.heard.length = 0;
  });

  async function heard(pattern: RegExp): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!recorder.heard.some((one) => pattern.test(one))) {
      if (Date.now() > deadline) throw new Error(`${pattern} was not heard: ${recorder.heard}`);
      await Bun.sleep(20);
    }
  }

  test("a hostile panel gets nothing of all that it tries (spec §13.4, §17.12)", async () => {
    const { page } = dashboard;
    await reef.api("PUT", "/store/secret", { value: "secret" });
    const { host, udpHost } = recorder;
    const panel = fragmentOf(attack, { own: "/hostile/report", host, udpHost });
    await load("victim", { panel: sayingPanel("victim", "victim"), routes: TELLING });
    await load("hostile", { panel, routes: TELLING });
    const before = await stateOf(reef);
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => dialogs.push(dialog.message()));
    const tabs = page.context().pages().length;

    await shown("hostile", "all tried");
    const outcomes = await reef.api<Outcomes>("GET", "/hostile/report");
    const got = Object.entries(outcomes).filter(([name, how]) => !isNothing(name, how));
    expect(got).toEqual([]);
    expect(Object.keys(outcomes).length).toBeGreaterThan(45);

    await Bun.sleep(LATE_MS);
    expect(recorder.heard).toEqual([]);
    expect(dialogs).toEqual([]);
    expect(page.url()).toBe(`${reef.url}/ui/#/panel/hostile`);
    expect(page.context().pages()).toHaveLength(tabs);
    expect(await stateOf(reef)).toEqual(before);
    expect((await reef.api("GET", "/victim/secret")).asked).toBe(1);
  });

  test("a panel that sends itself elsewhere gets there with nothing (spec §13.4)", async () => {
    const { page } = dashboard;
    const { host } = recorder;
    await load("leaver", { panel: fragmentOf(depart, { host }) });
    const blocked = page.waitForEvent("console", (message) => message.text().includes("frame-src"));
    await goTo(dashboard, "panel/leaver");
    await blocked;
    await Bun.sleep(LATE_MS);
    expect(recorder.heard).toEqual([]);
    expect(page.url()).toBe(`${reef.url}/ui/#/panel/leaver`);
    await shown("greeter", "hello one called");
  });

  test("a panel that calls out from a frame of its own is not heard, and the page goes on (spec §13.4)", async () => {
    // The browser ends the process of such a frame, which playwright takes for the end of the page.
    const own = await openDashboard(reef, browser);
    const { udpHost } = recorder;
    await load("caller", { panel: fragmentOf(callFromFrame, { udpHost }) });
    await goTo(own, "panel/caller");
    await Bun.sleep(2 * LATE_MS);
    expect(recorder.heard).toEqual([]);
    const asked = own.page.context().waitForEvent("request", (one) => one.url().endsWith("/ui/panels"));
    await reef.api("DELETE", "/services/caller");
    await asked;
    await own.page.context().close();
  });

  test("names, descriptions and errors of hostile services are texts (spec §14, §17.10)", async () => {
    const { page } = dashboard;
    const thrown = `throw new Error(${JSON.stringify(ATTACK)});`;
    await load("evil", { description: ATTACK, panel: `<title>${ATTACK}</title><p>evil panel</p>` });
    writeService(reef, "<img src=x onerror='window.hacked=1'>", { description: ATTACK, init: thrown });
    writeService(reef, "thrower", { description: ATTACK, init: thrown });
    await reef.api("POST", "/services/reload");
    for (const place of ["services", "overview", "search?q=onerror", "panel/evil"]) {
      await goTo(dashboard, place);
      const tab = page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "evil" });
      expect(await tab.getAttribute("title")).toBe(ATTACK);
      if (place === "services" || place === "overview") await page.getByText("<img src=x").first().waitFor();
    }
    await page.frameLocator("iframe.panel-frame").getByText("evil panel").waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Command" }).fill("evil");
    await page.getByRole("option", { name: "evil" }).waitFor();
    await page.keyboard.press("Escape");
    expect(await isHacked(page)).toBe(false);
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe("reef");
  });

  test("after a reload the capability is dead, and a fresh document comes to the same tab (spec §17.12)", async () => {
    const { page } = dashboard;
    const before = await apiOf(await shown("greeter", "hello one called"));
    expect(await answerTo(before, "greeter")).toEqual([200, undefined]);
    await load("greeter", { panel: sayingPanel("greeter", "hello two") });
    expect(await answerTo(before, "greeter")).toEqual([401, "panel expired"]);
    await page
      .frameLocator("iframe.panel-frame")
      .getByText("hello two called")
      .waitFor({ timeout: PANEL_MS });
    const after = await apiOf(panelFrame(page));
    expect(after).not.toBe(before);
    expect(await answerTo(after, "greeter")).toEqual([200, undefined]);
    expect(page.url()).toEndWith("#/panel/greeter");
  });

  test("after signing out the capability is dead, and signing in brings a fresh one (spec §17.12)", async () => {
    const { page } = dashboard;
    const before = await apiOf(await shown("greeter", "hello two called"));
    await page.locator("header .brand").focus();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Command" }).fill("sign out");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sign in to reef" }).waitFor();
    expect(await answerTo(before, "greeter")).toEqual([401, "panel expired"]);
    await signIn(dashboard);
    const after = await apiOf(await shown("greeter", "hello two called"));
    expect(after).not.toBe(before);
  });

  test("after a restart of the server a fresh document comes by itself (spec §13.4)", async () => {
    const { page } = dashboard;
    const before = await apiOf(await shown("greeter", "hello two called"));
    await reef.stop();
    await page.getByRole("status").getByText("offline").waitFor();
    reef = await reef.restart({ PORT: new URL(reef.url).port });
    dashboard = { ...dashboard, reef };
    await page.waitForResponse((one) => one.url().includes("/ui/panel/greeter"));
    await page.frameLocator("iframe.panel-frame").getByText("hello two called").waitFor();
    const after = await apiOf(panelFrame(page));
    expect(after).not.toBe(before);
    expect(await answerTo(before, "greeter")).toEqual([401, "panel expired"]);
  });

  test("a reload of the dashboard itself is answered through it, ends no session, and brings a fresh document (spec §13.4)", async () => {
    const { page } = dashboard;
    const before = await apiOf(await shown("greeter", "hello two called"));
    const fresh = page.waitForResponse((one) => one.url().includes("/ui/panel/greeter"));
    const answer = await page.evaluate(async () => {
      const reloaded = await fetch("/ui/api/services/reload/ui", { method: "POST" });
      return [reloaded.status, await reloaded.json()];
    });
    expect(answer).toEqual([200, { name: "ui", action: "updated" }]);
    expect(await answerTo(before, "greeter")).toEqual([401, "panel expired"]);
    await fresh;
    await page.frameLocator("iframe.panel-frame").getByText("hello two called").waitFor();
    expect(await page.getByText("Your session has ended").count()).toBe(0);
  });

  async function answerTo(api: string, service: string): Promise<[number, string | undefined]> {
    const answer = await fetch(`${reef.url}${api}/${service}/called`);
    const { error } = (await answer.json()) as { error?: string };
    return [answer.status, error];
  }
});

function apiOf(frame: Frame): Promise<string> {
  return frame.evaluate(() => (window as unknown as { PANEL_API: string }).PANEL_API);
}

/** In a page: a variable of the theme, as a color that two documents can compare. */
function backgroundOf(name: string): string {
  const probe = document.createElement("i");
  probe.style.backgroundColor = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return color;
}

/** Attempts of which only whoever listens elsewhere, or the server, can say that nothing came of them. */
const JUDGED_ELSEWHERE = [
  "a frame of another panel",
  "beacon",
  "EventSource",
  "WebSocket",
  "blob Worker",
  "preconnect",
  "dns-prefetch",
  "prefetch",
  "modulepreload",
  "stylesheet",
  "icon",
  "preload",
  "manifest",
  "script",
  "base",
  "speculation",
  "markup",
  "a frame with a document",
  "forms",
  "links",
  "messages",
];

function isNothing(name: string, how: string): boolean {
  return JUDGED_ELSEWHERE.includes(name) || how.startsWith("refused: ") || /^(401|403|false)$/.test(how);
}

/** What a panel that got through would have changed. */
async function stateOf(reef: Reef) {
  const { modules } = await reef.api<{ modules: { name: string; loadedAt: string }[] }>("GET", "/services");
  const { tasks } = await reef.api<{ tasks: unknown[] }>("GET", "/reef/tasks");
  const { value } = await reef.api<{ value: unknown }>("GET", "/store/secret");
  return { modules: modules.map(({ name, loadedAt }) => [name, loadedAt]), tasks, value };
}
