// The panels of the fleet in a real browser: what they show, that stored text stays text, and what they do when the
// server does not answer (spec §1.10, §17.10).
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "../browser/browser.js";
import { type ShownPanel, showPanel } from "./panel-host.js";
import { serviceNamed } from "./services.js";

const HOSTILE = `<img src=x onerror="alert('x')">'"</script><script>alert(1)</script>`;
const NARROW = { width: 320, height: 600 };

describeInBrowser("panels", () => {
  let browser: TestBrowser;
  let harness: TestHarness;
  let shown: ShownPanel;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await shown.close();
    await harness.cleanup();
  });

  const start = async (name: string) => {
    harness = await createTestHarness({ services: [await serviceNamed(name)] });
  };
  const show = async (name: string) => {
    shown = await showPanel(browser, harness, name);
    return shown.frame;
  };
  const post = async (path: string, body: object) => (await harness.json(path, { auth: true, body })).data;
  const isHarmless = async () => {
    expect(shown.complaints).toEqual([]);
    expect(await shown.frame.locator("img").count()).toBe(0);
    await shown.page.setViewportSize(NARROW);
    const overflow = await shown.frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  };

  describe("feed", () => {
    const publish = (summary: string, more: object = {}) =>
      post("/feed/events", { agent: "ada", type: "finding", summary, ...more });

    test("shows what there is and what comes, newest first, as text", async () => {
      await start("feed");
      await publish("first");
      const frame = await show("feed");
      await frame.getByText("first").waitFor();
      await frame.getByText("live", { exact: true }).waitFor();
      await publish(HOSTILE, { agent: HOSTILE, detail: HOSTILE, metadata: { [HOSTILE]: HOSTILE } });
      const card = frame.locator("article").first();
      await card.getByText("Detail").waitFor();
      expect(await card.locator("div").textContent()).toBe(HOSTILE);
      await card.getByText("Detail").click();
      expect(await card.locator("pre").first().textContent()).toBe(HOSTILE);
      await isHarmless();
    });

    test("filters, pauses, and says when the feed was emptied", async () => {
      await start("feed");
      await publish("one", { agent: "ada" });
      await publish("two", { agent: "bob", type: "question" });
      const frame = await show("feed");
      await frame.getByText("two").waitFor();
      await frame.getByRole("textbox", { name: "Agent" }).fill("ada");
      await frame.getByRole("textbox", { name: "Agent" }).press("Enter");
      await frame.getByText("two").waitFor({ state: "detached" });
      await frame.getByText("live", { exact: true }).waitFor();
      await publish("three", { agent: "bob" });
      await publish("four", { agent: "ada" });
      await frame.getByText("four").waitFor();
      expect(await frame.locator("article").count()).toBe(2);
      await frame.getByRole("button", { name: "Pause" }).click();
      await publish("five");
      await frame.getByText("paused, 1 new").waitFor();
      expect(await frame.locator("article").count()).toBe(2);
      await frame.getByRole("button", { name: "Resume" }).click();
      await frame.getByText("five").waitFor();
      await harness.fetch("/feed/events", { method: "DELETE", auth: true });
      await frame.getByText("The feed was emptied.").waitFor();
      expect(await frame.locator("article").count()).toBe(0);
    });

    test("says what is wrong, and goes on when the server is back", async () => {
      await start("feed");
      await publish("first");
      const frame = await show("feed");
      await frame.getByText("first").waitFor();
      shown.setBroken(true);
      await frame.locator("select").selectOption("finding");
      await frame.getByText("out of order.").waitFor();
      shown.setBroken(false);
      await frame.getByRole("button", { name: "Retry" }).click();
      await frame.getByText("first").waitFor();
    });
  });

  test("log: shows entries by day as text, and searches in them", async () => {
    await start("log");
    await post("/log", { text: "first thing", agent: "ada" });
    await post("/log", { text: HOSTILE, agent: HOSTILE });
    const frame = await show("log");
    await frame.getByText("2 entries").waitFor();
    expect(await frame.locator(".entry div").first().textContent()).toBe(`${HOSTILE} ${HOSTILE}`);
    expect(await frame.locator("h3").count()).toBe(1);
    await frame.getByLabel("Search").fill("FIRST");
    await frame.getByText("1 of 2 entries").waitFor();
    expect(await frame.locator(".entry").count()).toBe(1);
    await isHarmless();
  });

  test("log: says that there is nothing, what is wrong, and how old its data is", async () => {
    await start("log");
    const frame = await show("log");
    await frame.getByText("No entries.").waitFor();
    await post("/log", { text: "late" });
    shown.setBroken(true);
    await frame.getByLabel("Show").selectOption("24h");
    await frame.getByText(/out of order\. Last updated \d+ s ago\./).waitFor();
    shown.setBroken(false);
    await frame.getByRole("button", { name: "Retry" }).click();
    await frame.getByText("late").waitFor();
    await frame.getByText("out of order").waitFor({ state: "detached" });
  });

  test("journal: shows entries as text, and its chips filter", async () => {
    await start("journal");
    await post("/journal", { text: "calm day", author: "ada", mood: "calm", tags: ["cache"] });
    await post("/journal", { text: HOSTILE, author: HOSTILE, mood: HOSTILE, tags: [HOSTILE.slice(0, 100)] });
    const frame = await show("journal");
    await frame.getByText("calm day").waitFor();
    expect(await frame.locator("article > div:last-child").first().textContent()).toBe(HOSTILE);
    await frame.getByRole("button", { name: "#cache" }).click();
    await frame.getByRole("button", { name: "#cache ×" }).waitFor();
    expect(await frame.locator("article").count()).toBe(1);
    await frame.getByRole("button", { name: "#cache ×" }).press("Enter");
    await frame.locator("article").nth(1).waitFor();
    await isHarmless();
  });
});
