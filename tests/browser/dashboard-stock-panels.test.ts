// The panels that come with reef, in a real browser: the store's and cron's.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import { ATTACK, type Dashboard, openDashboard, showPanel } from "./dashboard.js";

const TOKEN = "server-token-stock-panels";

describeInBrowser("the panels of stock services", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let dashboard: Dashboard;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "0" };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env }), openBrowser()]);
    dashboard = await openDashboard(reef, browser);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  test("the store's panel finds, adds, changes and deletes a key", async () => {
    await reef.api("PUT", "/store/secret", { value: "secret" });
    await reef.api("PUT", "/store/notes/today", { value: { weather: ATTACK } });
    const frame = await showPanel(dashboard, "store", "notes/today");
    await frame.getByRole("searchbox", { name: "Beginning of the keys" }).fill("notes/");
    await frame.getByText("secret", { exact: true }).waitFor({ state: "detached" });
    await frame.getByRole("button", { name: "notes/today" }).click();
    const field = frame.getByRole("textbox", { name: "Value of notes/today" });
    expect(JSON.parse(await field.inputValue())).toEqual({ weather: ATTACK });
    await reef.api("PUT", "/store/notes/today", { value: "changed elsewhere" });
    await field.fill('{"weather": "fine"}');
    await frame.getByRole("button", { name: "Save" }).click();
    await frame
      .getByRole("alert")
      .getByText("precondition")
      .or(frame.getByRole("alert").getByText("version"))
      .waitFor();
    await frame.getByRole("button", { name: "Close" }).click();
    await frame.getByRole("button", { name: "notes/today" }).click();
    await field.fill('{"weather": "fine"}');
    await frame.getByRole("button", { name: "Save" }).click();
    await field.waitFor({ state: "detached" });
    expect((await reef.api("GET", "/store/notes/today")).value).toEqual({ weather: "fine" });

    await frame.getByRole("textbox", { name: "New key" }).fill("notes/a b");
    await frame.getByRole("button", { name: "Add" }).click();
    await frame.getByRole("textbox", { name: "Value of notes/a b" }).fill("{nothing");
    await frame.getByRole("button", { name: "Save" }).click();
    await frame.getByText("This is no JSON").waitFor();
    await frame.getByRole("textbox", { name: "Value of notes/a b" }).fill("[1]");
    await frame.getByRole("button", { name: "Save" }).click();
    await frame.getByRole("button", { name: "notes/a b" }).click();
    await frame.getByRole("button", { name: "Delete" }).click();
    await frame.getByRole("button", { name: "Really delete?" }).click();
    await frame.getByRole("button", { name: "notes/a b" }).waitFor({ state: "detached" });
    const { keys } = await reef.api("GET", "/store?prefix=notes/");
    expect(keys.map(({ key }: { key: string }) => key)).toEqual(["notes/today"]);
  });

  test("cron's panel shows jobs with their next run, runs one, and shows its output", async () => {
    await reef.api("POST", "/cron/jobs", {
      name: "greet",
      schedule: "0 9 * * MON-FRI",
      type: "exec",
      config: { command: "echo good morning" },
    });
    const frame = await showPanel(dashboard, "cron", "0 9 * * MON-FRI");
    await frame.getByRole("button", { name: "Run greet" }).click();
    await frame.locator(".runs").getByText("good morning").waitFor();
    await frame.locator(".runs").getByText("success").waitFor();
    await frame.getByRole("button", { name: "Disable greet" }).click();
    await frame.getByText("disabled").waitFor();
  });
});
