// What the dashboard survives in a browser: a server that is killed and started again in the middle of a run, a network that
// goes away, a tab that sleeps, a session that ends. Nothing is missing after, nothing is there twice, nothing written is lost.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import {
  beginTask,
  box,
  complaintsOf,
  conversation,
  type Dashboard,
  ended,
  goTo,
  openDashboard,
  replied,
  row,
  rowIds,
  rows,
  send,
  shownIds,
  signIn,
  turns,
} from "./dashboard.js";

const TOKEN = "server-token-recovery";

describeInBrowser("the dashboard comes back", () => {
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

  /** The same DATA_DIR on the same port, as the page knows it. */
  async function startAgain(): Promise<void> {
    reef = await reef.restart({ PORT: new URL(reef.url).port });
    dashboard.reef = reef;
  }

  test("by itself after the server was killed in the middle of a run and started again (spec §14, §17.13)", async () => {
    const { page } = dashboard;
    await send(page, "slow: 60 words every 50 ms");
    await page.locator(".writing .markdown").waitFor();
    await reef.kill();
    const banner = page.getByRole("alert").filter({ hasText: "The server cannot be reached." });
    await banner.getByText(/Trying again/).waitFor();
    await page.getByRole("status").getByText("offline", { exact: true }).waitFor();
    await startAgain();
    await page.getByRole("status").getByText("live", { exact: true }).waitFor();
    await banner.waitFor({ state: "detached" });
    await ended(page);
    expect(await turns(page).count()).toBe(1);
    const { tasks } = await reef.api("GET", "/reef/tasks");
    const said = (await reef.nodes())
      .filter(({ role }) => role === "assistant")
      .map(({ content }) => content);
    expect(tasks[0]).toMatchObject({ status: "done", attempt: 2 });
    expect(said.at(-1)?.split(" ").length).toBeGreaterThan(59);
    expect(await conversation(page).locator(".item-reply .markdown").allTextContents()).toHaveLength(
      said.length,
    );
    await replied(page, said.at(-1) ?? "");
    await expectWhole(page, reef);
  });

  test("with what was sent while there was no server, once (spec §14)", async () => {
    const { page } = dashboard;
    await reef.stop();
    await page.getByRole("status").getByText("offline", { exact: true }).waitFor();
    await beginTask(page);
    await send(page, "What is 9*9?");
    const outgoing = page.locator(".outgoing");
    await outgoing.getByText("Not sent yet: it goes out as soon as the server is back.").waitFor();
    await page.getByText("What you sent goes out as soon as it is back.").waitFor();
    await startAgain();
    await replied(page, "9*9 = 81");
    await outgoing.waitFor({ state: "detached" });
    const { tasks } = await reef.api("GET", "/reef/tasks");
    expect(tasks.filter(({ trigger }: { trigger: string }) => trigger === "What is 9*9?")).toHaveLength(1);
    await expectWhole(page, reef);
  });

  test("with its draft and what was sent when the network was away, over a reload too (spec §14)", async () => {
    const { page } = dashboard;
    await page.context().setOffline(true);
    await page.getByRole("status").getByText("offline", { exact: true }).waitFor();
    await send(page, "Add 1");
    await page.locator(".outgoing").getByText("Not sent yet").waitFor();
    await box(page).fill("a draft that nobody sent");
    await reef.over((await reef.submit("What is 4+4?")).id);
    await page.context().setOffline(false);
    await replied(page, "82");
    await row(page, "What is 4+4?").waitFor();
    await ended(page);
    await expectWhole(page, reef);
    expect(await box(page).inputValue()).toBe("a draft that nobody sent");
    await page.reload();
    await replied(page, "82");
    expect(await box(page).inputValue()).toBe("a draft that nobody sent");
  });

  test("from a lost answer without sending the prompt twice (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    let isLost = false;
    await page.route("**/reef/submit", async (route) => {
      // It arrived, and nobody hears of it.
      if (!isLost) await route.fetch();
      isLost = true;
      await route.abort();
    });
    await send(page, "What is 3*3?");
    await page.locator(".outgoing").getByText("Not sent yet").waitFor();
    await page.unroute("**/reef/submit");
    await page.reload();
    await row(page, "What is 3*3?").waitFor();
    await page.locator(".outgoing").waitFor({ state: "detached" });
    const { tasks } = await reef.api("GET", "/reef/tasks");
    expect(tasks.filter(({ trigger }: { trigger: string }) => trigger === "What is 3*3?")).toHaveLength(1);
    await expectWhole(page, reef);
  });

  test("from sleep, with all that happened meanwhile; asleep it keeps no connection (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "feed");
    await page.reload();
    await row(page, "What is 3*3?").waitFor();
    await page.getByRole("status").getByText("live", { exact: true }).waitFor();
    const closed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/reef/events"));
    await page.clock.install();
    await hide(page, true);
    await page.clock.runFor(31_000);
    await closed;
    await reef.over((await reef.submit("What is 12*12?")).id);
    await reef.over((await reef.submit("What is 11*11?")).id);
    expect(await row(page, "What is 12*12?").count()).toBe(0);
    await page.clock.resume();
    await hide(page, false);
    await row(page, "What is 12*12?").waitFor();
    await row(page, "11*11 = 121").waitFor();
    await expectWhole(page, reef);
    await page.reload();
  });

  test("from an ended session with what was written where it was (spec §14)", async () => {
    const { page } = dashboard;
    await row(page, "What is 12*12?").click();
    await replied(page, "12*12 = 144");
    const place = page.url();
    await box(page).fill("not finished yet");
    await signOutEverywhere(reef);
    await page.getByRole("alert").getByText("Your session has ended. What you wrote is kept.").waitFor();
    expect(await box(page).inputValue()).toBe("not finished yet");
    expect(await turns(page).count()).toBe(1);
    expect(await rows(page).count()).toBeGreaterThan(5);
    await signIn(dashboard);
    await page.goto(place);
    await replied(page, "12*12 = 144");
    expect(await box(page).inputValue()).toBe("not finished yet");
    await send(page, "Add 6");
    await replied(page, "150");
  });

  test("from an answer that is no answer: what failed says why and is tried again (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "feed");
    await page.route("**/reef/tree?*", (route) =>
      route.fulfill({ status: 500, json: { error: "out of order" } }),
    );
    await page.reload();
    await page.getByText("The tree could not be read: out of order.").waitFor();
    await page.unroute("**/reef/tree?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await row(page, "What is 12*12?").waitFor();
    await expectWhole(page, reef);
  });

  test("and nothing was blocked, asked elsewhere or thrown, but what the losses made fail (spec §13.2)", () => {
    const lost = /ERR_(CONNECTION|INTERNET|INCOMPLETE|NETWORK|EMPTY|FAILED|ABORTED)|status of (401|500|503)/;
    expect(complaintsOf(dashboard).filter((one) => !lost.test(one))).toEqual([]);
  });
});

/** What the page shows is what the server has, each node once: in the feed, and in the conversation. */
async function expectWhole(page: Page, reef: Reef): Promise<void> {
  const ids = await shownIds(reef);
  await page.waitForFunction((count) => document.querySelectorAll(".row").length >= count, ids.length);
  expect((await rowIds(page)).sort()).toEqual(ids);
  const places = await page
    .locator("[data-node]")
    .evaluateAll((all) => all.map((one) => one.getAttribute("data-node")));
  expect(new Set(places).size).toBe(places.length);
}

/** As if another tab were in front, or not any more. */
async function hide(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

async function signOutEverywhere(reef: Reef): Promise<void> {
  const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
  const token = new URL(url).searchParams.get("token");
  const answer = await fetch(`${reef.url}/ui/login`, { method: "POST", body: JSON.stringify({ token }) });
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  await fetch(`${reef.url}/ui/logout?all=true`, { method: "POST", headers: { cookie } });
}
