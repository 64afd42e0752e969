// The panels of the fleet in a real browser: what they show, that stored text stays text, and what they do when the
// server does not answer (spec §1.10, §17.10).
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startRegistry } from "../../examples/services/updater/rig.js";
import packageJson from "../../package.json" with { type: "json" };
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import type { ServiceModule } from "../../src/core/types.js";
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

  test("registry: shows machines by role as text, and removes one when told twice", async () => {
    await start("registry");
    const vm = { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" };
    await post("/registry/vms", { ...vm, services: [{ name: "http", port: 80, protocol: "tcp" }] });
    const hostile = { id: HOSTILE, name: HOSTILE, address: HOSTILE, registeredBy: HOSTILE };
    await post("/registry/vms", {
      ...hostile,
      role: "infra",
      status: "stopped",
      services: [{ name: HOSTILE, port: 1, protocol: HOSTILE }],
    });
    const frame = await show("registry");
    await frame.getByText("2 machines").waitFor();
    await frame.getByText("infra (1)").waitFor();
    const card = frame.locator("article").first();
    expect(await card.locator(".bright").textContent()).toBe(HOSTILE);
    expect(await card.locator("code").textContent()).toBe(HOSTILE);
    await frame.getByText("http :80 tcp").waitFor();
    await card.getByRole("button", { name: "Remove" }).click();
    await card.getByRole("button", { name: "Really remove" }).press("Enter");
    await frame.getByText("1 machine", { exact: true }).waitFor();
    await isHarmless();
  });

  test("registry: says what is wrong, and goes on when the server is back", async () => {
    await start("registry");
    const frame = await show("registry");
    await frame.getByText("No machines.").waitFor();
    shown.setBroken(true);
    await frame.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await frame.getByText(/out of order\. Last updated \d+ s ago\./).waitFor();
    shown.setBroken(false);
    await post("/registry/vms", { id: "v", name: "late", role: "worker", address: "a", registeredBy: "b" });
    await frame.getByRole("button", { name: "Retry" }).click();
    await frame.getByText("late").waitFor();
  });

  test("skills: shows what there is as text, switches it, compares versions, and says who is behind", async () => {
    await start("skills");
    const skill = {
      name: "deploy",
      description: HOSTILE,
      publishedBy: HOSTILE,
      tags: [HOSTILE.slice(0, 100)],
    };
    await post("/skills/items", { ...skill, content: `same\nold ${HOSTILE}` });
    await post("/skills/items", { ...skill, content: `same\nnew ${HOSTILE}` });
    await post("/skills/extensions", { ...skill, name: "greet", content: "x", tags: undefined });
    const held = [{ name: "deploy", version: 1 }];
    await post("/skills/sync", { agentId: HOSTILE, vmId: HOSTILE, skills: held });
    const frame = await show("skills");
    const card = frame.locator("[data-items] article").first();
    await card.getByText("version 2").waitFor();
    expect(await card.locator("div").first().textContent()).toBe(HOSTILE);
    expect(await frame.locator("[data-items] article").count()).toBe(2);
    const agent = frame.locator("[data-agents] article");
    await agent.getByText("to get: deploy, greet").waitFor();
    expect(await agent.locator(".bright").textContent()).toBe(HOSTILE);

    await card.getByRole("button", { name: "Versions" }).press("Enter");
    await frame.locator(".diff .added").waitFor();
    expect(await frame.locator(".diff > span").allTextContents()).toEqual([
      "  same",
      `- old ${HOSTILE}`,
      `+ new ${HOSTILE}`,
    ]);
    await isHarmless();
    await card.getByRole("checkbox", { name: "Enabled: deploy" }).uncheck();
    await agent.getByText("to drop: deploy").waitFor();
    const { data } = await harness.json("/skills/items/deploy", { auth: true });
    expect(data.enabled).toBe(false);
  });

  test("skills: follows changes, and says what is wrong", async () => {
    await start("skills");
    const frame = await show("skills");
    await frame.getByText("Nothing is published.").waitFor();
    await frame.getByText("No agent has reported.").waitFor();
    await frame.getByText("live", { exact: true }).waitFor();
    const late = { name: "late", description: "d", content: "c", publishedBy: "a" };
    await post("/skills/items", late);
    await frame.getByText("late").waitFor();
    shown.setBroken(true);
    await frame.getByRole("textbox", { name: "Tag" }).fill("none");
    await frame.getByRole("textbox", { name: "Tag" }).press("Enter");
    await frame.getByText(/out of order\. Last updated \d+ s ago\./).waitFor();
    shown.setBroken(false);
    await frame.getByRole("button", { name: "Retry" }).first().click();
    await frame.getByText("Nothing is published.").waitFor();
  });

  test("usage: shows what was spent, sessions and VMs as text", async () => {
    await start("usage");
    const figures = (total: number) => ({ input: total, output: 0, cacheRead: 0, cacheWrite: 0, total });
    const now = new Date().toISOString();
    const session = { sessionId: "s", model: "opus", turns: 2, startedAt: now, endedAt: now };
    const used = { tokens: figures(1_500), cost: figures(1.25) };
    await post("/usage/sessions", { ...session, agent: "ada", taskId: "t-1", ...used });
    const frame = await show("usage");
    await frame.getByText("$1.25, 1.5K tokens").first().waitFor();
    await frame.getByText("1.5K tokens, 1 sessions, 0 VMs").first().waitFor();
    expect(await frame.getByRole("img").getAttribute("aria-label")).toBe(
      "Cost of each of the last 30 days, at most $1.25",
    );
    expect(await frame.locator(".chart > *").count()).toBe(30);
    expect(await frame.locator(".chart > *").last().getAttribute("title")).toBe(`${now.slice(0, 10)}: $1.25`);
    const hostile = HOSTILE.slice(0, 200);
    await post("/usage/sessions", { ...session, agent: hostile, model: hostile, taskId: hostile, ...used });
    const vm = { vmId: hostile, agent: hostile, createdAt: "2026-01-31" };
    await post("/usage/vms", { ...vm, createdAt: now });
    await post("/usage/vms", { ...vm, createdAt: now, role: "golden", commitId: "c" });
    await frame.getByLabel("Show").selectOption("24h");
    await frame.getByRole("heading", { name: "By task" }).waitFor();
    await frame.getByRole("cell", { name: "up 0 min" }).waitFor();
    expect(await frame.locator("[data-vms] tbody tr").count()).toBe(1);
    expect(await frame.locator("[data-vms] td").first().textContent()).toBe(hostile);
    expect(await frame.locator("[data-sessions] td").allTextContents()).toContain(hostile);
    await isHarmless();
  });

  test("usage: says that there is nothing, what is wrong, and how old its data is", async () => {
    await start("usage");
    const frame = await show("usage");
    await frame.getByText("Nothing was spent in this time.").waitFor();
    await frame.getByText("No sessions.").waitFor();
    await frame.getByText("No VMs.").waitFor();
    shown.setBroken(true);
    await frame.getByLabel("Show").selectOption("30d");
    await frame
      .getByText(/out of order\. Last updated \d+ s ago\./)
      .first()
      .waitFor();
    shown.setBroken(false);
    await frame.getByRole("button", { name: "Retry" }).first().click();
    await frame.getByText("out of order").first().waitFor({ state: "detached" });
  });

  describe("board", () => {
    const create = (title: string, more: object = {}) =>
      post("/board/tasks", { title, createdBy: "ada", ...more });
    const task = async ({ id }: { id: string }) => (await harness.json(`/board/${id}`, { auth: true })).data;

    test("shows the tasks by status, with notes, artifacts, blockers and leases, as text", async () => {
      await start("board");
      const first = await create("first thing");
      await create("second thing", { dependencies: [first.id] });
      const path = `/board/tasks/${(await create(HOSTILE, { description: HOSTILE, tags: [HOSTILE.slice(0, 100)] })).id}`;
      await post(`${path}/claim`, { agent: HOSTILE });
      await post(`${path}/notes`, { author: HOSTILE, content: HOSTILE, type: "blocker" });
      await post(`${path}/artifacts`, { artifacts: [{ type: "url", url: HOSTILE, label: HOSTILE }] });
      const frame = await show("board");
      await frame.getByText("first thing", { exact: true }).waitFor();
      const column = (name: string) => frame.getByRole("region", { name });
      expect(await column("Open").locator("h3").textContent()).toBe("Open 2");
      await column("Open").getByText("Waits for first thing").waitFor();
      const card = column("In progress").locator("article");
      expect(await card.locator(".bright").textContent()).toBe(HOSTILE);
      expect(await card.locator("[data-until]").textContent()).toMatch(/^[45]:\d\d$/);
      for (const name of ["Description", "Notes (1)", "Artifacts (1)"]) await card.getByText(name).click();
      expect(await card.locator("pre").textContent()).toBe(HOSTILE);
      expect(await card.locator("li div").allTextContents()).toEqual([HOSTILE, HOSTILE]);
      await isHarmless();
    });

    test("notes, bumps, rejects and approves from a card", async () => {
      await start("board");
      const card = await create("the card");
      await post(`/board/tasks/${card.id}/review`, { summary: "done it" });
      const frame = await show("board");
      const shownCard = frame.locator("article");
      await shownCard.getByText("Act").click();
      const act = async (text: string, button: string) => {
        await shownCard.getByRole("textbox").fill(text);
        await shownCard.getByRole("button", { name: button }).press("Enter");
      };
      await act("", "Reject");
      await shownCard.getByText("a reason is required").waitFor();
      await act("looks odd", "Note");
      await frame.getByText("Notes (2)").waitFor();
      await act("", "Bump");
      await frame.getByText("score 1").waitFor();
      await act("no test", "Reject");
      await frame.getByRole("region", { name: "Open" }).getByText("the card").waitFor();
      await act("fine now", "Approve");
      await frame.getByRole("region", { name: "Done" }).getByText("the card").waitFor();
      const { notes } = await task(card);
      expect(
        notes.map(({ author, content }: { author: string; content: string }) => `${author}: ${content}`),
      ).toEqual([
        "unknown: done it",
        "dashboard: looks odd",
        "dashboard: Rejected by dashboard: no test",
        "dashboard: Approved by dashboard: fine now",
      ]);
      await isHarmless();
    });

    test("filters by assignee and tag, keeps what one types, and says what is wrong", async () => {
      await start("board");
      const frame = await show("board");
      await frame.getByText("No tasks.").waitFor();
      const card = await create("one", { tags: ["cache"], assignee: "ada" });
      await create("two", { assignee: "bob" });
      await frame.getByLabel("Assignee").fill("ada");
      await frame.getByLabel("Assignee").press("Enter");
      await frame.getByText("one", { exact: true }).waitFor();
      expect(await frame.locator("article").count()).toBe(1);
      await frame.getByText("Act").click();
      await frame.getByLabel("Note, comment or reason").fill("half a thought");
      await post(`/board/tasks/${card.id}/bump`, {});
      await frame.getByRole("button", { name: "#cache" }).click();
      await frame.getByText("score 1").waitFor();
      expect(await frame.getByLabel("Note, comment or reason").inputValue()).toBe("half a thought");
      expect(await frame.getByLabel("Tag").inputValue()).toBe("cache");
      shown.setBroken(true);
      await frame.getByRole("button", { name: "#cache" }).click();
      await frame.getByText(/out of order\. Last updated \d+ s ago\./).waitFor();
      shown.setBroken(false);
      await frame.getByRole("button", { name: "Retry" }).click();
      await frame.getByText("out of order").waitFor({ state: "detached" });
    });
  });

  describe("reports", () => {
    const write = (title: string, more: object = {}) =>
      post("/reports", { title, author: "ada", content: `# ${title}`, ...more });
    const linksOf = async ({ id }: { id: string }) =>
      (await harness.json(`/reports/${id}/shares`, { auth: true })).data.links;

    test("shows what there is and reads a report, all that is hostile as text", async () => {
      await start("reports");
      await write("plain one", { tags: ["cache"] });
      const content = `${HOSTILE}\n\n[run](javascript:alert(1)) [ok](https://a.example) ![i](https://a.example/i.png)\n\n- [x] \`${HOSTILE}\``;
      await write(HOSTILE, { author: HOSTILE, tags: [HOSTILE], content });
      const frame = await show("reports");
      const titles = frame.locator("article button");
      await titles.nth(1).waitFor();
      expect(await titles.allTextContents()).toEqual([HOSTILE, "plain one"]);
      await titles.first().press("Enter");
      const viewer = frame.locator(".report-viewer");
      await viewer.getByText("run").waitFor();
      expect(await viewer.locator("h1").first().textContent()).toBe(HOSTILE);
      const links = viewer.locator("a");
      expect(await links.evaluateAll((all) => all.map((one) => one.getAttribute("href")))).toEqual([
        "https://a.example",
        "https://a.example/i.png",
      ]);
      await frame.getByText("No links.").waitFor();
      await isHarmless();
      await frame.getByRole("button", { name: "All reports" }).click();
      await frame.getByRole("textbox", { name: "Tag" }).fill("cache");
      await frame.getByRole("textbox", { name: "Tag" }).press("Enter");
      await frame.getByText(HOSTILE).first().waitFor({ state: "detached" });
      expect(await titles.allTextContents()).toEqual(["plain one"]);
    });

    test("shares for a week unless told otherwise, shows the links with their views, and revokes one", async () => {
      await start("reports");
      const report = await write("to share");
      const frame = await show("reports");
      await frame.getByRole("button", { name: "to share" }).click();
      await frame.getByRole("button", { name: "Share…" }).click();
      await frame.getByText("without signing in").waitFor();
      expect(await linksOf(report)).toEqual([]);
      await frame.getByLabel("For whom").fill(HOSTILE);
      await frame.getByRole("button", { name: "Create link" }).press("Enter");
      await frame.getByLabel("The link").waitFor();
      const [link] = await linksOf(report);
      expect(await frame.getByLabel("The link").inputValue()).toEndWith(`/reports/share/${link.linkId}`);
      expect(link).toMatchObject({ label: HOSTILE, createdBy: "dashboard" });
      expect(Date.parse(link.expiresAt) - Date.parse(link.createdAt)).toBeWithin(604_790_000, 604_800_001);
      await frame.getByRole("button", { name: "Copy", exact: true }).click();
      await frame.getByRole("button", { name: "Copied" }).waitFor();
      await frame.getByRole("button", { name: "Done" }).click();
      await (await harness.fetch(`/reports/share/${link.linkId}`)).text();
      await frame.getByRole("button", { name: "All reports" }).click();
      await frame.getByRole("button", { name: "to share" }).click();
      await frame.getByText("1 view,").waitFor();
      await frame.getByRole("button", { name: "Revoke" }).click();
      expect((await linksOf(report))[0].revoked).toBe(0);
      await frame.getByRole("button", { name: "Really revoke?" }).click();
      await frame.getByText("revoked,").waitFor();
      expect((await linksOf(report))[0].revoked).toBe(1);
      await isHarmless();
    });

    test("opens the report that it is asked for, says what is wrong, and goes on when the server is back", async () => {
      await start("reports");
      const report = await write("asked for");
      await show("reports");
      shown.setBroken(true);
      await shown.frame.goto(new URL(`/panel?open=${report.id}`, shown.page.url()).href);
      const reader = shown.frame.locator("[data-report]");
      await reader.getByText("out of order.").waitFor();
      shown.setBroken(false);
      // It tries again by itself.
      await reader.locator("h1").first().waitFor();
      await shown.frame.getByText("No links.").waitFor();
    });
  });

  test("commits: shows the snapshots of each VM as text, filters by tag, and copies an id", async () => {
    await start("commits");
    await post("/commits", { commitId: "c-1", vmId: "vm-1", label: "first", tags: ["golden"] });
    await post("/commits", { commitId: "c-2", vmId: "vm-2" });
    await post("/commits", {
      commitId: HOSTILE,
      vmId: HOSTILE,
      label: HOSTILE,
      agent: HOSTILE,
      tags: [HOSTILE],
      metadata: { [HOSTILE]: HOSTILE },
    });
    const frame = await show("commits");
    await frame.getByText("3 snapshots").waitFor();
    expect(await frame.locator("h3").allTextContents()).toEqual([HOSTILE, "vm-2", "vm-1"]);
    expect(await frame.locator("code").first().textContent()).toBe(HOSTILE);
    await frame.getByRole("button", { name: "Copy id" }).last().click();
    await frame.getByRole("button", { name: "Copied" }).waitFor();
    await isHarmless();
    await frame.getByRole("button", { name: "golden" }).click();
    await frame.getByText("1 snapshot", { exact: true }).waitFor();
    expect(await frame.locator("h3").allTextContents()).toEqual(["vm-1"]);
    await frame.getByRole("button", { name: "golden" }).press("Enter");
    await frame.getByText("3 snapshots").waitFor();
  });

  test("commits: says that there is nothing, what is wrong, and how old its data is", async () => {
    await start("commits");
    const frame = await show("commits");
    await frame.getByText("No snapshots.").waitFor();
    shown.setBroken(true);
    await frame.getByLabel("Tag").fill("x");
    await frame.getByLabel("Tag").press("Enter");
    await frame.getByText(/out of order\. Last updated \d+ s ago\./).waitFor();
    shown.setBroken(false);
    await frame.getByRole("button", { name: "Retry" }).click();
    await frame.getByText("out of order").waitFor({ state: "detached" });
  });

  test("updater: shows versions and history as text, looks, and asks before it applies", async () => {
    const registry = startRegistry();
    const { name } = packageJson;
    await registry.publish({ name, version: "999.0.0" });
    const updater = await serviceNamed("updater");
    const withRegistry: ServiceModule = {
      ...updater,
      init(ctx) {
        return updater.init?.call(this, { ...ctx, config: { ...ctx.config, npmRegistry: registry.url } });
      },
    };
    harness = await createTestHarness({ services: [withRegistry] });
    const db = new Database(join(harness.dataDir, "updater.sqlite"));
    const entry = {
      from: "0.1.0",
      to: HOSTILE,
      at: new Date().toISOString(),
      status: "rolled_back",
      error: HOSTILE,
    };
    db.query("INSERT INTO history (json) VALUES (?)").run(JSON.stringify(entry));
    db.close();
    const frame = await show("updater");
    await frame.getByText("rolled back").waitFor();
    expect(await frame.locator("[data-history] pre").textContent()).toBe(HOSTILE);
    await frame.getByRole("button", { name: "Look now" }).click();
    await frame.getByText("999.0.0 is available.").waitFor();
    await frame.getByRole("button", { name: "Update to 999.0.0" }).click();
    await frame.getByText(`Update ${packageJson.version} to 999.0.0?`).waitFor();
    await frame.getByRole("button", { name: "Not now" }).press("Enter");
    expect(registry.requests).toHaveLength(1);
    await frame.getByRole("button", { name: "Update to 999.0.0" }).click();
    await frame.getByRole("button", { name: "Update and restart" }).click();
    await frame.getByText("not installed from npm: update with git").waitFor();
    expect(shown.complaints.splice(0)).toEqual([expect.stringContaining("409 (Conflict)")]);
    await isHarmless();
    await registry.stop();
  });
});
