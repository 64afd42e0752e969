// What the tests of the dashboard share: being signed in, and finding things as a person finds them.
import type { Frame, Locator, Page } from "playwright-core";
import type { Reef } from "../flow/reef.js";
import type { Tab, TabOptions, TestBrowser } from "./browser.js";

/** Leaves a trace if anything of it is taken for markup or script. */
export const ATTACK = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'"\`--></title></textarea>`;

/** The offline model repeats it, so that it is in a reply, which is shown as markdown. */
export const HOSTILE_MARKDOWN = `![image](https://elsewhere.example/image.png) [page](https://elsewhere.example/page)
[script](javascript:window.hacked=1) [data](data:text/html,<script>window.hacked=1</script>)
<form action="https://elsewhere.example/form"><input name="token"></form> <svg onload="window.hacked=1"></svg>
<iframe src="https://elsewhere.example/frame"></iframe> <p style="position:fixed" onclick="window.hacked=1">click</p>
<style>@import url(https://elsewhere.example/style.css);</style> <a href="javascript:window.hacked=1">raw</a>
\`\`\`html
<img src=x onerror="window.hacked=1">
\`\`\``;

export interface Dashboard extends Tab {
  reef: Reef;
}

/** A window of its own, signed in with a link. */
export async function openDashboard(
  reef: Reef,
  browser: TestBrowser,
  options: TabOptions = {},
): Promise<Dashboard> {
  const tab = await browser.tab(options);
  const dashboard = { ...tab, reef };
  await signIn(dashboard);
  return dashboard;
}

export async function signIn({ page, reef }: Dashboard): Promise<void> {
  const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".row, .empty").first().waitFor();
}

export async function goTo({ page, reef }: Dashboard, place: string): Promise<void> {
  await page.goto(`${reef.url}/ui/#/${place}`);
}

/** Shows a panel; resolves with its frame when that holds a text. */
export async function showPanel(dashboard: Dashboard, name: string, text: string | RegExp): Promise<Frame> {
  await goTo(dashboard, `panel/${name}`);
  await dashboard.page.frameLocator("iframe.panel-frame").getByText(text).first().waitFor();
  return panelFrame(dashboard.page);
}

export function panelFrame(page: Page): Frame {
  const frame = page.frames().find((one) => one.url().includes("/ui/panel/"));
  if (!frame) throw new Error("no panel is shown");
  return frame;
}

/** What a browser complains of that nobody may ignore. It does not know one word that the policy of panels has. */
export function complaintsOf({ complaints }: Tab): string[] {
  return complaints.filter(
    (one) => !one.startsWith("Unrecognized Content-Security-Policy directive 'webrtc'"),
  );
}

export const rows = (page: Page): Locator => page.locator(".row");
/** By the whole of its line. */
export const row = (page: Page, line: string): Locator =>
  page.locator(".row", { has: page.locator(".line").getByText(line, { exact: true }) });
export const box = (page: Page): Locator => page.locator("#reply");
export const conversation = (page: Page): Locator => page.getByRole("region", { name: "Conversation" });

export const turns = (page: Page): Locator => conversation(page).locator(".turn:not(.outgoing)");

/** The box for a new task, from wherever one is. */
export async function beginTask(page: Page): Promise<void> {
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByRole("textbox", { name: "A new task" }).waitFor();
}

/** Unfolds a call, if it is folded. */
export async function openCall(call: Locator): Promise<void> {
  if ((await call.locator(".call-body").count()) === 0) await call.locator("summary").first().click();
  await call.locator(".call-body").waitFor();
}

/** Writes into the box and sends it. */
export async function send(page: Page, text: string): Promise<void> {
  await box(page).fill(text);
  await box(page).press("Control+Enter");
}

/** Resolves when the conversation holds a reply with this text. */
export async function replied(page: Page, text: string | RegExp): Promise<void> {
  const replies = conversation(page).locator(
    ".branch-scroll:not(.loading) .item-reply:not(.writing) .markdown",
  );
  await replies.getByText(text).last().waitFor();
}

/** Resolves when the newest turn is over, and says how long it took. */
export async function ended(page: Page): Promise<void> {
  await turns(page)
    .last()
    .locator(".turn-sum")
    .getByText(/^\d+ (ms|s|min) · /)
    .waitFor();
}

/** The ids of all nodes that a row shows, sorted: the start and the good end of a run are said by the row of its prompt. */
export async function shownIds(reef: Reef): Promise<string[]> {
  const quiet = ["run_started", "task_done"];
  const shown = (await reef.nodes()).filter(({ eventType = "" }) => !quiet.includes(eventType));
  return shown.map(({ id }) => id).sort();
}

/** The ids of the rows that are in the page, from top to bottom. */
export function rowIds(page: Page): Promise<string[]> {
  return rows(page).evaluateAll((all) =>
    all
      .map((row) => ({ id: row.id.replace(/^row-/, ""), top: row.getBoundingClientRect().top }))
      .sort((a, b) => a.top - b.top)
      .map(({ id }) => id),
  );
}

export const isHacked = (page: Page): Promise<boolean> => page.evaluate(() => "hacked" in window);

/** In the page: what its policy had to stop. */
export function watchPolicy(): void {
  const violations: string[] = [];
  Object.assign(window, { violations });
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    violations.push(`${violatedDirective} ${blockedURI}`),
  );
}
