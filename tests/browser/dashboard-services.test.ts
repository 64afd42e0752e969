// Services in the dashboard, in a real browser: deployed from the page with their steps seen, reloaded, rolled back and
// unloaded; their tabs; what the overview and the palette say of all that.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Locator, Page } from "playwright-core";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import { complaintsOf, type Dashboard, goTo, openDashboard, rows } from "./dashboard.js";
import { sayingPanel, writeService } from "./write-service.js";

const TOKEN = "server-token-services";
/** A tab comes and goes with its service within this (spec §14). */
const TAB_MS = 2_000;

describeInBrowser("services in the dashboard", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let dashboard: Dashboard;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "1" };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env }), openBrowser()]);
    dashboard = await openDashboard(reef, browser);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  const tab = (name: string): Locator =>
    dashboard.page.getByRole("navigation", { name: "Views" }).getByRole("link", { name, exact: true });
  const card = (name: string): Locator =>
    dashboard.page
      .getByRole("list", { name: "Live services" })
      .getByRole("listitem")
      .filter({ has: dashboard.page.locator(".service-name", { hasText: new RegExp(`^${name}$`) }) });
  const act = (name: string, what: string): Promise<void> =>
    card(name)
      .getByRole("button", { name: `${what} ${name}`, exact: true })
      .click();
  const confirm = (yes: string): Promise<void> =>
    dashboard.page.getByRole("dialog").getByRole("button", { name: yes }).click();
  const steps = (place: Locator): Locator => place.locator(".step");

  test("every live service is there, with its version, routes, tools and documentation (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "services");
    const { modules } = await reef.api<{ modules: { name: string; hash: string | null }[] }>(
      "GET",
      "/services",
    );
    await card("store").waitFor();
    expect(await page.locator(".service-name").allTextContents()).toEqual(modules.map(({ name }) => name));
    const hash = modules.find(({ name }) => name === "store")?.hash ?? "";
    await card("store").locator(`code[title="${hash}"]`).waitFor();
    const summary = card("store").locator("summary");
    await summary.getByText("3 tools", { exact: true }).waitFor();
    expect(await summary.getByText(/^\d+ routes$/).count()).toBe(1);
    await summary.click();
    const parts = card("store").locator(".parts");
    for (const text of ["PUT /store/:key", "reef_store_get", hash])
      await parts.getByText(text, { exact: true }).waitFor();
    const docs = card("store").getByRole("link", { name: "Docs of store" });
    expect(await docs.getAttribute("href")).toBe("/docs/ui#-store");
    expect(await docs.getAttribute("rel")).toContain("noreferrer");
    expect(await card("ui").getByRole("button").count()).toBe(0);
  });

  test("a folder is deployed by its name; its steps are seen, and its tab comes (spec §14)", async () => {
    const { page } = dashboard;
    writeService(reef, "greeter", { panel: sayingPanel("greeter", "hello one") });
    await page.getByRole("textbox", { name: "Folder to deploy" }).fill("greeter");
    await page.keyboard.press("Enter");
    await card("greeter").waitFor();
    await card("greeter").locator(".step-passed").getByText("verify").waitFor();
    expect(await steps(card("greeter")).allTextContents()).toEqual([
      "validate passed",
      "test passed",
      "load passed",
      "verify passed",
    ]);
    await tab("greeter").waitFor({ timeout: TAB_MS });
    await tab("greeter").click();
    await page.frameLocator("iframe.panel-frame").getByText("hello one called").waitFor();
    await goTo(dashboard, "services");
    const deploys = page.getByRole("region", { name: "Deploys" }).getByRole("listitem");
    await deploys.first().getByText("deployed", { exact: true }).waitFor();
    await deploys.first().locator("summary").click();
    await deploys.first().getByRole("link", { name: "Show it in the feed" }).waitFor();
  });

  test("a name without a folder is refused in the server's words, and the name stays to be mended", async () => {
    const { page } = dashboard;
    const field = page.getByRole("textbox", { name: "Folder to deploy" });
    await field.fill("nowhere");
    await page.keyboard.press("Enter");
    const told = page.getByRole("region", { name: "Deploy of nowhere" });
    await told.locator(".step-failed").getByText("validate").waitFor();
    await told.getByText("Directory not found: nowhere/").waitFor();
    expect(await field.inputValue()).toBe("nowhere");
    await field.fill("No Name");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page
      .getByRole("alert")
      .getByText(/^invalid name "No Name"/)
      .waitFor();
    await field.fill("");
  });

  test("a deploy whose test fails says so with its output, and leaves what was live (spec §14)", async () => {
    writeService(reef, "greeter", { panel: sayingPanel("greeter", "hello broken"), expects: 2 });
    await act("greeter", "Deploy");
    await card("greeter").locator(".step-failed").getByText("test").waitFor();
    await card("greeter").locator(".step-detail").getByText("Expected: 2").waitFor();
    await tab("greeter").click();
    await dashboard.page.frameLocator("iframe.panel-frame").getByText("hello one called").waitFor();
    await goTo(dashboard, "services");
  });

  test("the steps of a deploy that somebody else began are seen as well (spec §14)", async () => {
    writeService(reef, "greeter", { panel: sayingPanel("greeter", "hello two") });
    const deployed = reef.api("POST", "/services/deploy", { name: "greeter" });
    await card("greeter").locator(".step-passed").getByText("verify").waitFor();
    expect((await deployed).deployed).toBe(true);
    expect(await card("greeter").locator(".step-failed").count()).toBe(0);
  });

  test("the version before comes back by a roll-back, after a question (spec §14)", async () => {
    const { page } = dashboard;
    const live = async (): Promise<string> => {
      const { modules } = await reef.api("GET", "/services");
      return modules.find(({ name }: { name: string }) => name === "greeter").hash;
    };
    const shows = (hash: string) => card("greeter").locator(`summary code[title="${hash}"]`).waitFor();
    const second = await live();
    await shows(second);
    await act("greeter", "Roll back");
    await page.getByRole("dialog").getByText("Make the version of greeter before this one live?").waitFor();
    await page.keyboard.press("Escape");
    expect(await live()).toBe(second);
    await act("greeter", "Roll back");
    await confirm("Roll back");
    await card("greeter").getByText("rolled back", { exact: true }).waitFor();
    const first = await live();
    expect(first).not.toBe(second);
    await shows(first);
    await act("greeter", "Reload");
    await card("greeter").getByText("rolled back", { exact: true }).waitFor({ state: "detached" });
    await shows(second);
  });

  test("what does not load is named with its own message, and loads when it is mended (spec §14)", async () => {
    const { page } = dashboard;
    writeService(reef, "thrower", { init: `throw new Error("no room for it");` });
    await page.getByRole("button", { name: "Reload changed" }).click();
    const problem = page.getByRole("region", { name: "Problem of thrower" });
    await problem.getByText("failed", { exact: true }).waitFor();
    await problem.getByText("no room for it").waitFor();
    writeService(reef, "thrower", { more: `dependencies: ["greeter"],` });
    await problem.getByRole("button", { name: "Load thrower" }).click();
    await card("thrower").waitFor();
    await problem.waitFor({ state: "detached" });
  });

  test("an unload names what depends on it, and takes the tab away (spec §14)", async () => {
    const { page } = dashboard;
    await act("greeter", "Unload");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("thrower depends on it, and goes out until it is back.").waitFor();
    await dialog.getByRole("button", { name: "Back" }).click();
    await card("greeter").waitFor();
    await act("greeter", "Unload");
    await confirm("Unload it");
    await tab("greeter").waitFor({ state: "detached", timeout: TAB_MS });
    await card("greeter").waitFor({ state: "detached" });
    await page.getByRole("region", { name: "Problem of greeter" }).getByText("disabled").waitFor();
    await page
      .getByRole("region", { name: "Problem of thrower" })
      .getByText('Missing dependency "greeter"')
      .waitFor();
  });

  test("tabs come, change and go with their services, and a shown panel says that it is gone (spec §14)", async () => {
    const { page } = dashboard;
    await reef.api("POST", "/services/reload/greeter");
    await tab("greeter").waitFor({ timeout: TAB_MS });
    await tab("greeter").click();
    const panel = page.frameLocator("iframe.panel-frame");
    await panel.getByText("hello two called").waitFor();
    writeService(reef, "greeter", { panel: sayingPanel("greeter", "hello three") });
    await reef.api("POST", "/services/reload/greeter");
    await panel.getByText("hello three").waitFor({ timeout: TAB_MS });
    expect(page.url()).toEndWith("#/panel/greeter");
    await reef.api("DELETE", "/services/greeter?force=true");
    await tab("greeter").waitFor({ state: "detached", timeout: TAB_MS });
    await page.getByText("No such panel: its service is not loaded.").waitFor();
    await reef.api("POST", "/services/reload/greeter");
    await panel.getByText("hello three").waitFor({ timeout: TAB_MS });
  });

  test("the overview says what is at work, what was spent, what failed, and whether all is well (spec §14)", async () => {
    const { page } = dashboard;
    writeService(reef, "broken", { init: `throw new Error("no room for it");` });
    await reef.api("POST", "/services/reload");
    await reef.submit({ task: "What is 2+2?", taskId: "sum" });
    await reef.over("sum");
    await reef.submit({ task: "What is 1+1?\nfail: auth", taskId: "refused" });
    await reef.over("refused");
    await reef.submit({ task: "slow: 2000 words every 50 ms", taskId: "long" });
    await goTo(dashboard, "overview");
    await figure(page, "running").getByText("1", { exact: true }).waitFor();
    await figure(page, "tasks").getByText("3", { exact: true }).waitFor();
    await page.getByRole("link", { name: "1 service does not load" }).waitFor();
    const atWork = page.getByRole("region", { name: "At work" });
    await atWork.getByRole("link", { name: "slow: 2000 words every 50 ms" }).waitFor();
    const failures = page.getByRole("region", { name: "Recent failures" });
    await failures.getByText("no room for it").waitFor();
    await failures.getByRole("link", { name: "What is 1+1?" }).waitFor();

    const { tasks } = await reef.api<{ tasks: { usage: { cost: number } }[] }>("GET", "/reef/tasks");
    const cost = tasks.reduce((sum, { usage }) => sum + usage.cost, 0);
    await page
      .locator("figcaption strong")
      .getByText(`$${cost.toFixed(2)}`, { exact: true })
      .waitFor();
    await page.locator("figure canvas").waitFor();
    expect(await page.locator("figure tr").count()).toBe(14);
    expect(await page.locator("figure td").last().textContent()).toBe(`$${cost.toFixed(cost < 0.1 ? 3 : 2)}`);
    expect(await page.locator("figure canvas").evaluate(isPainted)).toBe(true);

    await reef.api("POST", "/reef/tasks/long/cancel");
    await atWork.getByText("Nothing runs, and nobody waits.").waitFor();
    await failures.getByRole("link", { name: "What is 1+1?" }).click();
    await rows(page).locator(".status-error").first().waitFor();
  });

  test("the palette finds tasks, panels and commands by any of their words, without a mouse (spec §14)", async () => {
    const { page } = dashboard;
    const field = page.getByRole("combobox", { name: "Command" });
    const find = async (text: string, option: string) => {
      await page.keyboard.press("Control+k");
      await field.fill(text);
      await page.getByRole("option", { name: option, selected: true }).waitFor();
      await page.keyboard.press("Enter");
      await field.waitFor({ state: "detached" });
    };
    await find("gree", "panel greeter");
    await page.waitForURL(`${reef.url}/ui/#/panel/greeter`);
    await page.locator("header .brand").focus();
    await find("2+2 sum", "task sum: What is 2+2?");
    await page.getByRole("region", { name: "Conversation" }).getByText("2+2 = 4").first().waitFor();
    await find("go services", "go to services");
    await page.getByRole("heading", { name: "Services", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    await field.fill("nothing is called like this");
    await page.getByText("Nothing is called so.").waitFor();
    await page.keyboard.press("Escape");
    await field.waitFor({ state: "detached" });
  });

  test("panels and tasks are found by name in the search (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "search?q=greeter");
    await page.getByRole("link", { name: "panel greeter" }).click();
    await page.frameLocator("iframe.panel-frame").getByText("hello three").waitFor();
    await goTo(dashboard, "search?q=sum");
    await page.getByRole("link", { name: "task sum" }).waitFor();
  });

  test("nothing was blocked, asked elsewhere or thrown meanwhile (spec §13.2)", () => {
    const unexpected = complaintsOf(dashboard).filter((one) => !one.includes("/ui/api/services/deploy"));
    expect(unexpected).toEqual([]);
  });
});

function figure(page: Page, label: string): Locator {
  return page.locator(".figure", { has: page.getByRole("link", { name: label, exact: true }) });
}

/** In the page: whether anything was drawn. */
function isPainted(canvas: Element): boolean {
  if (!(canvas instanceof HTMLCanvasElement)) return false;
  const { width, height } = canvas;
  return (
    canvas
      .getContext("2d")
      ?.getImageData(0, 0, width, height)
      .data.some((byte) => byte > 0) ?? false
  );
}
