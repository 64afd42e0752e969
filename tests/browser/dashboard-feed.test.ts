// The feed of the dashboard in a browser: what hangs under what, folds, filters, links to nodes, the keyboard, a narrow
// screen, and what stays where it is while things go on.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import {
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
} from "./dashboard.js";
import { overflowOf } from "./look.js";

const TOKEN = "server-token-feed";

describeInBrowser("the feed of the dashboard", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let dashboard: Dashboard;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "1" };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env }), openBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  test("the first view says how to begin, and asks three times (spec §14)", async () => {
    const tab = await browser.tab();
    const asked: string[] = [];
    tab.page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/ui/api/")) asked.push(pathname);
    });
    dashboard = { ...tab, reef };
    await signIn(dashboard);
    const { page } = dashboard;
    await page.getByRole("heading", { name: "Give reef its first task" }).waitFor();
    expect(await box(page).inputValue()).toBe("List the services and tell me what each does.");
    await page.getByText("offline model", { exact: true }).waitFor();
    await page.getByRole("status").getByText("live").waitFor();
    expect(await page.locator("pre.code").textContent()).toStartWith(`curl -X POST ${reef.url}/reef/submit`);
    expect(asked.sort()).toEqual(["/ui/api/reef/events", "/ui/api/reef/pending", "/ui/api/reef/tree"]);
  });

  test("each node stands under what caused it, with its kind as icon and word (spec §14)", async () => {
    const { page } = dashboard;
    await reef.over((await reef.submit("Ask a sub-task: What is 2+2?")).id);
    await reef.over((await reef.submit("What is 1+1?\nfail: auth")).id);
    const job = { name: "yearly", schedule: "@yearly", type: "exec", config: { command: "echo done" } };
    const { id } = await reef.api("POST", "/cron/jobs", job);
    await reef.api("POST", `/cron/jobs/${id}/run`);
    await row(page, "The sub-task answered:").waitFor();
    await rows(page).locator(".status-error").waitFor();
    await rows(page)
      .locator(".word", { hasText: /^done$/ })
      .waitFor();
    const shown = await outline(page);
    expect(shown.slice(2)).toEqual([
      "1 prompt Ask a sub-task: What is 2+2?",
      "2 call reef_submit What is 2+2?",
      "3 prompt What is 2+2?",
      "4 call bash echo $((2+2))",
      "5 result 4",
      "4 reply 2+2 = 4",
      "3 result 2+2 = 4",
      "2 reply The sub-task answered:",
      "1 prompt What is 1+1?",
      "2 call bash echo $((1+1))",
      "3 result 2",
      "2 reply (empty)",
      expect.stringMatching(/^2 error 401 /),
      "1 cron yearly (exec)",
      "2 done done",
    ]);
    const icons = await rows(page).evaluateAll((all) =>
      all.map((one) => one.querySelectorAll(".kind svg").length),
    );
    expect(new Set(icons)).toEqual(new Set([1]));
  });

  test("a fold hides what is inside and counts it, also what happens there meanwhile (spec §14)", async () => {
    const { page } = dashboard;
    const prompt = row(page, "Ask a sub-task: What is 2+2?");
    await prompt.getByRole("button", { name: "Fold" }).click();
    await prompt.getByText("7 inside").waitFor();
    await row(page, "The sub-task answered:").waitFor({ state: "detached" });
    const { tasks } = await reef.api("GET", "/reef/tasks");
    const task = tasks.find(({ trigger }: { trigger: string }) => trigger.startsWith("Ask"));
    const { id } = await reef.submit({ task: "Add 2", parentId: task.nodeId, taskId: "beside" });
    await reef.over(id);
    await row(page, "Add 2").waitFor();
    await prompt.getByRole("button", { name: "Unfold" }).click();
    await row(page, "The sub-task answered:").waitFor();
  });

  test("a row opens in place, and its node beside the feed (spec §14)", async () => {
    const { page } = dashboard;
    const result = row(page, "bash echo $((2+2))");
    await result.getByRole("button", { name: "call" }).click();
    await result.locator("pre.unrolled").getByText('"command": "echo $((2+2))"').waitFor();
    await result.getByRole("button", { name: "call" }).click();
    await result.locator("pre.unrolled").waitFor({ state: "detached" });
    await result.click();
    await replied(page, "2+2 = 4");
    expect(page.url()).toContain("/ui/#/node/");
    expect(await result.getAttribute("aria-selected")).toBe("true");
  });

  test("the address of a node leads to it in a window of its own (spec §14)", async () => {
    const { page } = dashboard;
    const other = await page.context().newPage();
    await other.goto(page.url());
    await replied(other, "2+2 = 4");
    await other.locator(".row.selected").getByText("bash echo $((2+2))").waitFor();
    await other.goto(`${reef.url}/ui/#/node/nothing`);
    await other.reload();
    await other.getByText("This node could not be read: ").waitFor();
    await other.close();
    dashboard.complaints.splice(
      0,
      dashboard.complaints.length,
      ...complaintsOf(dashboard).filter((one) => !one.includes("/node/") && !one.includes("/tree/nothing")),
    );
  });

  test("filters narrow it by text, kind, task, source, time and failure (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "feed");
    const all = await rows(page).count();
    const search = page.getByRole("searchbox", { name: "Filter the feed by text" });
    await search.fill("sub-task ANSWERED");
    await row(page, "What is 1+1?").waitFor({ state: "detached" });
    expect(await fitting(page)).toEqual(["reply"]);
    await search.fill("");
    await page.getByRole("button", { name: "Filters" }).click();
    await page.locator(".filter-more").getByRole("button", { name: "result", exact: true }).click();
    await row(page, "The sub-task answered:").waitFor({ state: "detached" });
    expect(await fitting(page)).toEqual(["result", "result", "result"]);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("button", { name: "failures only" }).click();
    await row(page, "Ask a sub-task: What is 2+2?").waitFor({ state: "detached" });
    expect(await fitting(page)).toEqual(["error"]);
    await page.getByRole("button", { name: "failures only" }).click();
    await page.getByLabel("Task", { exact: true }).selectOption("beside");
    await row(page, "What is 1+1?").waitFor({ state: "detached" });
    expect(await fitting(page)).toEqual(["prompt", "reply"]);
    await page.getByLabel("Task", { exact: true }).selectOption("");
    await page.getByLabel("Source").selectOption("ui");
    await row(page, "What is 1+1?").waitFor({ state: "detached" });
    expect(new Set(await fitting(page))).toEqual(new Set(["event"]));
    await page.getByLabel("Source").selectOption("");
    await page.getByLabel("Time").selectOption("last hour");
    expect(await fitting(page)).toHaveLength(all);
    await search.fill("nothing has this");
    await page.getByText("Nothing here fits the filter.").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await row(page, "What is 1+1?").waitFor();
    await page.getByRole("button", { name: "Filters" }).click();
  });

  test("it follows the end until one scrolls up, then counts what is new and stays (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "feed");
    for (let at = 0; at < 12; at++)
      await reef.over((await reef.submit(`Remember that number ${at} is ${at}`)).id);
    await row(page, "Remember that number 11 is 11").waitFor();
    expect(await isAtEnd(page)).toBe(true);
    await page.locator(".feed-scroll").hover();
    await page.mouse.wheel(0, -300);
    await page.waitForFunction(() => document.querySelector(".filter [aria-pressed=false]"));
    const before = await tops(page);
    await reef.over((await reef.submit("Remember that number 12 is 12")).id);
    const fresh = page.getByRole("button", { name: /^\d+ new$/ });
    await fresh.waitFor();
    expect(await tops(page)).toMatchObject(before);
    await fresh.click();
    await row(page, "Remember that number 12 is 12").waitFor();
    await page.waitForFunction(() => !document.querySelector(".fresh"));
    expect(await isAtEnd(page)).toBe(true);
  });

  test("the keyboard alone moves, folds, opens, replies, sends, cancels and goes elsewhere (spec §14)", async () => {
    const { page } = dashboard;
    const { keyboard } = page;
    await goTo(dashboard, "feed");
    await page.reload();
    await row(page, "Remember that number 12 is 12").waitFor();
    await keyboard.press("k");
    const last = (await rowIds(page)).at(-1);
    expect(await selectedId(page)).toBe(last);
    await keyboard.press("k");
    await keyboard.press("j");
    expect(await selectedId(page)).toBe(last);
    await keyboard.press("h");
    await page.locator(".row.selected.kind-prompt, .row.selected.kind-call").waitFor();
    while ((await page.locator(".row.selected.kind-prompt").count()) === 0) await keyboard.press("h");
    await keyboard.press("h");
    await page
      .locator(".row.selected")
      .getByText(/\d inside/)
      .waitFor();
    await keyboard.press("l");
    await page
      .locator(".row.selected")
      .getByText(/\d inside/)
      .waitFor({ state: "detached" });
    await keyboard.press("Enter");
    await replied(page, /number 12/);
    await keyboard.press("r");
    await keyboard.type("slow: 800 words every 50 ms");
    await keyboard.press("Control+Enter");
    await page.locator(".writing .markdown").waitFor();
    await keyboard.press("Escape");
    await keyboard.press("s");
    await keyboard.type("Also say pineapple");
    await keyboard.press("Control+Enter");
    await conversation(page).locator(".note").getByText("Also say pineapple").waitFor();
    await keyboard.press("Escape");
    await keyboard.press("c");
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await keyboard.press("c");
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Enter");
    await page.getByRole("alert").getByText("Cancelled").waitFor();
    await keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    for (const [key, view] of [
      ["t", "tasks"],
      ["s", "services"],
      ["p", "panel"],
      ["f", "feed"],
    ] as const) {
      await keyboard.press("g");
      await keyboard.press(key);
      await page.locator(`main.view-${view}`).waitFor();
    }
    await keyboard.press("/");
    await page.getByRole("searchbox", { name: "Search the tree" }).waitFor();
    await keyboard.type("pineapple");
    await page.locator("mark").first().waitFor();
    await keyboard.press("Escape");
    await keyboard.press("Escape");
    await page.locator("main.view-feed").waitFor();
  });

  test("words are searched for in all nodes, and what is found leads to its node and back (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "search");
    await page.getByRole("searchbox", { name: "Search the tree" }).fill("number 7");
    const link = page.getByRole("link", { name: "Remember that number 7 is 7", exact: true });
    const found = page.locator("li.card", { has: link });
    await found.locator("mark").first().waitFor();
    await link.click();
    await replied(page, /number 7/);
    expect(await page.locator(".row.selected .line").textContent()).toBe("Remember that number 7 is 7");
    await page.goBack();
    const again = page.getByRole("searchbox", { name: "Search the tree" });
    await again.waitFor();
    expect(await again.inputValue()).toBe("number 7");
  });

  test("on a phone one pane is shown at a time, and nothing is too wide or too small (spec §14)", async () => {
    const phone = await openDashboard(reef, browser, { width: 360, height: 740, theme: "dark" });
    const { page } = phone;
    await row(page, "Remember that number 12 is 12").waitFor();
    expect(await overflowOf(phone)).toBe(0);
    expect(await conversation(page).isVisible()).toBe(false);
    const heights = await rows(page).evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect().height),
    );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(40);
    await row(page, "Remember that number 12 is 12").click();
    await replied(page, /number 12/);
    expect(await rows(page).first().isVisible()).toBe(false);
    expect(await overflowOf(phone)).toBe(0);
    await send(page, "What is 8*8?");
    await replied(page, "8*8 = 64");
    await conversation(page).locator(".call summary").last().click();
    await ended(page);
    expect(await overflowOf(phone)).toBe(0);
    await page.getByRole("button", { name: "Back to the feed" }).click();
    await row(page, "What is 8*8?").waitFor();
    expect(complaintsOf(phone)).toEqual([]);
    await page.context().close();
  });

  test("the rows are the nodes of the tree, each once, without those that their prompt speaks for (spec §14)", async () => {
    const { page } = dashboard;
    await goTo(dashboard, "feed");
    const ids = await shownIds(reef);
    const seen = new Set<string>();
    await page.locator(".feed-scroll").evaluate((list) => {
      list.scrollTop = 0;
    });
    for (let top = 0; seen.size < ids.length && top < 20_000; top += 400) {
      await page.locator(".feed-scroll").evaluate((list, at) => {
        list.scrollTop = at;
      }, top);
      for (const id of await rowIds(page)) seen.add(id);
    }
    expect([...seen].sort()).toEqual(ids);
  });

  test("nothing was blocked, asked elsewhere or thrown meanwhile (spec §13.2)", () => {
    expect(complaintsOf(dashboard)).toEqual([]);
  });
});

/** Each row from top to bottom: its level, its kind, its text. */
async function outline(page: Page): Promise<string[]> {
  const all = await rows(page).evaluateAll((found) =>
    found.map((one) => ({
      top: one.getBoundingClientRect().top,
      text: `${Number(one.getAttribute("aria-level"))} ${one.querySelector(".word")?.textContent} ${one.querySelector(".line")?.textContent}`,
    })),
  );
  return all.sort((a, b) => a.top - b.top).map(({ text }) => text);
}

/** The kinds of the rows that fit the filter, from top to bottom. */
async function fitting(page: Page): Promise<string[]> {
  const kinds = await page.locator(".row:not(.context)").evaluateAll((all) =>
    all.map((one) => ({
      top: one.getBoundingClientRect().top,
      kind: one.querySelector(".word")?.textContent ?? "",
    })),
  );
  return kinds.sort((a, b) => a.top - b.top).map(({ kind }) => kind);
}

/** Where each row stands that is in sight. */
function tops(page: Page): Promise<Record<string, number>> {
  return page.locator(".feed-scroll").evaluate((list) => {
    const { top, bottom } = list.getBoundingClientRect();
    const inSight = [...list.querySelectorAll(".row")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.top >= top && box.bottom <= bottom;
    });
    return Object.fromEntries(inSight.map((one) => [one.id, one.getBoundingClientRect().top]));
  });
}

function isAtEnd(page: Page): Promise<boolean> {
  return page
    .locator(".feed-scroll")
    .evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight < 8);
}

async function selectedId(page: Page): Promise<string | undefined> {
  return (await page.locator(".row.selected").getAttribute("id"))?.replace(/^row-/, "");
}
