// A tree of a hundred thousand nodes in the dashboard: little is asked for, little is held, few rows are in the page, and one
// scrolls through all of it both ways without anything jumping or missing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page, Response } from "playwright-core";
import type { TreeNode } from "../../src/tree/node.js";
import { cleanUp, type Reef, startReef, temporaryFolder } from "../flow/reef.js";
import { fillTree } from "./big-tree.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import { complaintsOf, type Dashboard, goTo, replied, row, rows, send, signIn, turns } from "./dashboard.js";

const TOKEN = "server-token-big-tree";
const NODES = 100_000;
/** The number of the newest prompt: six nodes are a task, and the root is none. */
const LAST = Math.floor((NODES - 1) / 6) - 1;
const ROWS_MAX = 300;
const FIRST_VIEW_BYTES = 1024 * 1024;

describeInBrowser("a tree of 100,000 nodes in the dashboard", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let dashboard: Dashboard;
  let filled = 0;

  beforeAll(async () => {
    const dataDir = temporaryFolder();
    filled = await fillTree(dataDir, NODES);
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "0" };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env, dataDir }), openBrowser()]);
    dashboard = { ...(await browser.tab()), reef };
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  test("opens with three requests and less than 1 MiB (spec §14)", async () => {
    const { page } = dashboard;
    const answers: { path: string; bytes: Promise<number> }[] = [];
    const hear = (response: Response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.startsWith("/ui/api/")) return;
      const isStream = pathname.endsWith("/events");
      const bytes = isStream ? Promise.resolve(0) : response.body().then(({ length }) => length);
      answers.push({ path: pathname, bytes });
    };
    page.on("response", hear);
    await signIn(dashboard);
    await row(page, `Prompt ${LAST}: how many are there?`).waitFor();
    await page.getByRole("status").getByText("live", { exact: true }).waitFor();
    expect(answers.map(({ path }) => path).sort()).toEqual([
      "/ui/api/reef/events",
      "/ui/api/reef/pending",
      "/ui/api/reef/tree",
    ]);
    page.off("response", hear);
    const bytes = await Promise.all(answers.map((answer) => answer.bytes));
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(FIRST_VIEW_BYTES);
    expect(filled).toBeGreaterThan(NODES - 6);
  });

  test("is scrolled to its beginning, with few rows, and nothing in sight moves by itself (spec §14)", async () => {
    const { page } = dashboard;
    const up = await page.evaluate(scrollThrough, { direction: -1, goal: 0 });
    expect(up.rowsMost).toBeLessThanOrEqual(ROWS_MAX);
    expect(up.rowsMost).toBeGreaterThan(20);
    expect([up.jumps, up.holes]).toEqual([[], []]);
    expect(up.stops).toBeGreaterThan(NODES / 5_000);
  }, 240_000);

  test("and from there on towards its end, beyond what is held at a time (spec §14)", async () => {
    const { page } = dashboard;
    const down = await page.evaluate(scrollThrough, { direction: 1, goal: Math.floor(15_000 / 6) });
    expect(down.rowsMost).toBeLessThanOrEqual(ROWS_MAX);
    expect([down.jumps, down.holes]).toEqual([[], []]);
    expect(down.stops).toBeGreaterThan(5);
    await page.getByRole("button", { name: "Follow" }).click();
    await row(page, `Prompt ${LAST}: how many are there?`).waitFor();
  }, 120_000);

  test("holds five thousand nodes at most, however far one has looked (spec §14)", async () => {
    const { page } = dashboard;
    await page.getByRole("searchbox", { name: "Filter the feed by text" }).fill("prompt");
    const told = page.locator(".edge");
    for (let clicks = 0; clicks < 8; clicks++) {
      const read = page.waitForResponse(/\/reef\/tree\?before=/);
      await told.getByRole("button", { name: "Look further back" }).click();
      await read;
    }
    await told.getByText("Looked at 5000 nodes.").waitFor();
    expect(await rows(page).count()).toBeLessThanOrEqual(ROWS_MAX);
    await page.getByRole("searchbox", { name: "Filter the feed by text" }).fill("");
  });

  test("a link to an old node leads to it, with what stands around it (spec §14)", async () => {
    const { page } = dashboard;
    const { nodes } = await reef.api("GET", "/reef/tree?since=48001&limit=6");
    const reply = Object.values<TreeNode>(nodes).find(({ role }) => role === "assistant");
    await goTo(dashboard, `node/${reply?.id}`);
    await page.reload();
    await page
      .locator(".row.selected")
      .getByText(reply?.content ?? "")
      .waitFor();
    await replied(page, reply?.content.replaceAll("*", "") ?? "");
    await expectAround(page, reply?.content ?? "");
    await goTo(dashboard, "feed");
    await page.getByRole("button", { name: "Follow" }).click();
    await row(page, `Prompt ${LAST}: how many are there?`).waitFor();
    await goTo(dashboard, `node/${reply?.id}`);
    await page
      .locator(".row.selected")
      .getByText(reply?.content ?? "")
      .waitFor();
    await expectAround(page, reply?.content ?? "");
  });

  test("what goes on from an old node is sent from there, and counted with what went on before (spec §14)", async () => {
    const { page } = dashboard;
    // Task 4 is begun afresh, task 5 goes on with it.
    const { nodes } = await reef.api("GET", "/reef/tree?since=1&limit=60");
    const found = Object.values<TreeNode>(nodes);
    const before = found.find(({ content }) => content.startsWith("Answer 4:"));
    const after = found.find(({ content }) => content.startsWith("Prompt 5:"));
    expect(after?.parentId).toBe(before?.id ?? "");
    await goTo(dashboard, `node/${after?.id}`);
    await turns(page).last().getByText("Prompt 5:").waitFor();
    await turns(page).first().getByRole("button", { name: "Reply here" }).last().click();
    await send(page, "What is 6*6?");
    await replied(page, "6*6 = 36");
    await turns(page).last().getByText("2 / 2").waitFor();
    await page.getByRole("button", { name: "The branch before" }).click();
    await turns(page).last().getByText("Prompt 5:").waitFor();
    await turns(page).last().getByText("1 / 2").waitFor();
  });

  test("nothing was blocked, asked elsewhere or thrown meanwhile (spec §13.2)", () => {
    expect(complaintsOf(dashboard)).toEqual([]);
  });
});

/** The rows around the selected one are those of the nodes around it. */
async function expectAround(page: Page, content: string): Promise<void> {
  const at = Number(/\d+/.exec(content)?.[0]);
  for (const near of [at - 2, at - 1, at, at + 1, at + 2])
    await row(page, `Prompt ${near}: how many are there?`).waitFor();
}

interface Seen {
  rowsMost: number;
  /** How often there was no way further until more was read. */
  stops: number;
  /** Rows in sight that moved though nobody scrolled. */
  jumps: string[];
  /** Prompts between which some are missing. */
  holes: string[];
}

/** In the page: scrolls to an end of what is there, waits for more, and goes on until the prompt of this number, or one beyond it, is there. */
async function scrollThrough({ direction, goal }: { direction: number; goal: number }): Promise<Seen> {
  const list = document.querySelector(".feed-scroll") as HTMLElement;
  const seen: Seen = { rowsMost: 0, stops: 0, jumps: [], holes: [] };
  const frame = () => new Promise(requestAnimationFrame);
  const topOf = (row: Element) => row.getBoundingClientRect().top;
  const lineOf = (row: Element) => row.querySelector(".line")?.textContent ?? "";
  const rows = () => [...list.querySelectorAll(".row")].sort((a, b) => topOf(a) - topOf(b));

  function look(): boolean {
    const lines = rows().map(lineOf);
    seen.rowsMost = Math.max(seen.rowsMost, lines.length);
    const prompts = lines.flatMap((line) => /^Prompt (\d+):/.exec(line)?.[1] ?? []).map(Number);
    prompts.forEach((prompt, at) => {
      const before = prompts[at - 1];
      if (before !== undefined && prompt !== before + 1) seen.holes.push(`${before} and ${prompt}`);
    });
    const last = direction < 0 ? prompts[0] : prompts.at(-1);
    return last !== undefined && (direction < 0 ? last <= goal : last >= goal);
  }

  for (;;) {
    list.scrollTop = direction < 0 ? 0 : list.scrollHeight;
    await frame();
    await frame();
    if (look()) return seen;
    seen.stops++;
    const anchor = rows().find((row) => topOf(row) >= topOf(list) && !row.matches(".context"));
    const { scrollHeight, scrollTop } = list;
    const before = anchor && topOf(anchor);
    const isStill = () => list.scrollHeight === scrollHeight && list.scrollTop === scrollTop;
    // It may have been there before one looked: then there is more room to scroll.
    for (let frames = 0; isStill() && frames < 30; frames++) await frame();
    await frame();
    if (look()) return seen;
    if (anchor?.isConnected && Math.abs(topOf(anchor) - (before ?? 0)) > 1)
      seen.jumps.push(`${lineOf(anchor)}: ${before} to ${topOf(anchor)}`);
  }
}
