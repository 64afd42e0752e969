// Every view of the dashboard with much in it, at the widths and in the themes that people have: what a program can say
// of how it reads, and a picture of each for people (tests/browser/screenshots).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, type Reef, ROOT, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, shoot, type Tab, type TestBrowser } from "./browser.js";
import { complaintsOf, type Dashboard, goTo, openDashboard } from "./dashboard.js";
import { barriers, overflowOf } from "./look.js";
import { writeService } from "./write-service.js";

const TOKEN = "server-token-axe";
const cli = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
/** The real pi with one more extension, which asks. */
const PI_PATH = `${process.execPath} --no-install --no-env-file --config=/dev/null ${cli} -e ${join(ROOT, "tests/flow/fixtures/ask.ts")}`;
const LOOKS = [1400, 1000, 390].flatMap((width) =>
  (["light", "dark"] as const).map((theme) => ({ width, theme })),
);
/** The others are for their pictures alone: they show nothing else, and colours are looked at in both themes here. */
const LOOKED_THROUGH = ["1400-light", "1400-dark", "390-light"];

/** Each of a dozen views is looked through by a program that takes a second for one, and many where much else goes on. */
const VIEWS_MS = 300_000;

/** Where each view is, and what is there when it has come. */
const VIEWS: [name: string, place: string, ready: string][] = [
  ["feed", "feed", ".row .status-running"],
  ["tasks", "tasks", ".tasks .status-error"],
  ["services", "services", ".problem"],
  ["overview", "overview", "figure canvas"],
  ["search", "search?q=services", ".cards mark"],
  ["search-empty", "search", ".empty"],
];

describeInBrowser("how the dashboard looks and reads", () => {
  let reef: Reef;
  let browser: TestBrowser;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "1", PI_PATH };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env }), openBrowser()]);
    await fill(reef);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  for (const { width, theme } of LOOKS) {
    const size = { width, theme, height: width < 500 ? 844 : 900 };
    const label = `${width}-${theme}`;

    test(`signing in has no barriers at ${width} px, ${theme}`, async () => {
      const tab = await browser.tab(size);
      const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
      for (const [name, place] of [
        ["login", url],
        ["login-howto", `${reef.url}/ui/login`],
      ] as const) {
        await tab.page.goto(place);
        await looked(tab, `ui-${name}-${label}`);
      }
      await tab.page.context().close();
    });

    test(
      `no view has barriers at ${width} px, ${theme}`,
      async () => {
        const dashboard = await openDashboard(reef, browser, size);
        for (const [name, place, ready] of VIEWS) {
          await goTo(dashboard, place);
          await dashboard.page.locator(ready).first().waitFor();
          await looked(dashboard, `ui-${name}-${label}`);
        }
        if (width === 1400 || theme === "dark") await conversations(dashboard, label);
        if (width === 1400) await opened(dashboard, label);
        expect(complaintsOf(dashboard)).toEqual([]);
        await dashboard.page.context().close();
      },
      VIEWS_MS,
    );

    test(`no panel has barriers at ${width} px, ${theme}`, async () => {
      const dashboard = await openDashboard(reef, browser, size);
      for (const [name, text] of [
        ["cron", "good morning"],
        ["store", "notes/today"],
      ] as const) {
        await goTo(dashboard, `panel/${name}`);
        await dashboard.page.frameLocator("iframe.panel-frame").getByText(text).first().waitFor();
        await looked(dashboard, `ui-panel-${name}-${label}`);
      }
      await dashboard.page.context().close();
    });
  }

  /** One with calls, one that failed, one that asks, and one that is being written. */
  async function conversations(dashboard: Dashboard, label: string): Promise<void> {
    const { page } = dashboard;
    const { tasks } = await reef.api<{ tasks: { name: string; leafId: string }[] }>("GET", "/reef/tasks");
    for (const [name, ready] of [
      ["tools", ".call"],
      ["refused", ".kind-error, [role=alert]"],
      ["asks", ".question-box.open"],
      ["writes", ".writing"],
    ] as const) {
      const leaf = tasks.find((task) => task.name === name)?.leafId;
      await goTo(dashboard, `node/${leaf}`);
      await page.getByRole("region", { name: "Conversation" }).locator(ready).first().waitFor();
      await looked(dashboard, `ui-conversation-${name}-${label}`);
    }
  }

  /** What opens over a view, or in it. */
  async function opened(dashboard: Dashboard, label: string): Promise<void> {
    const { page } = dashboard;
    await goTo(dashboard, "services");
    await page.locator(".facts summary").nth(3).click();
    await page.locator(".parts").waitFor();
    await looked(dashboard, `ui-service-open-${label}`);
    await page.getByRole("button", { name: "Unload cron" }).click();
    await page.getByRole("dialog").waitFor();
    await looked(dashboard, `ui-question-${label}`);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    await looked(dashboard, `ui-palette-${label}`);
    await page.keyboard.press("Escape");
    await page.getByRole("option").first().waitFor({ state: "detached" });
  }

  async function looked(tab: Tab, name: string): Promise<void> {
    await shoot(tab, name);
    expect([name, await overflowOf(tab)]).toEqual([name, 0]);
    if (!LOOKED_THROUGH.some((label) => name.endsWith(label))) return;
    // A frame counts as a page: that of a panel stands under the heading of the page around it.
    const without = name.startsWith("ui-panel") ? ["page-has-heading-one"] : [];
    expect([name, await barriers(tab, without)]).toEqual([name, []]);
  }
});

async function fill(reef: Reef): Promise<void> {
  const run = async (taskId: string, task: string) => {
    await reef.submit({ task, taskId });
    await reef.over(taskId);
  };
  await run("services", "List the services and tell me what each does.");
  await run("math", "What is 2+2?");
  await run("math", "Now multiply by 10");
  await run("tools", "Use three tools at once.");
  await run("refused", "What is 1+1?\nfail: auth");
  await run("parent", "Ask a sub-task: What is (7 - 3) * 12?");
  await run("votes", "Build a service that counts votes.");
  await reef.api("PUT", "/store/notes/today", { value: { weather: "fine", wind: [1, 2, 3] } });
  const job = await reef.api("POST", "/cron/jobs", {
    name: "greet",
    schedule: "0 9 * * MON-FRI",
    type: "exec",
    config: { command: "echo good morning" },
  });
  await reef.api("POST", `/cron/jobs/${job.id}/run`);
  writeService(reef, "broken", { init: `throw new Error("no room for it");` });
  await reef.api("POST", "/services/reload");
  await reef.submit({ task: 'call ask_confirm {"title": "Delete the old backups?"}', taskId: "asks" });
  await reef.until("asks", (_, { pending }) => pending.length > 0);
  await reef.submit({ task: "slow: 9000 words every 400 ms", taskId: "writes" });
}
