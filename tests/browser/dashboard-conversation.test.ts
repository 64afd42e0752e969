// Talking with tasks in the dashboard, as a person does it in a browser: signing in, sending, watching, replying elsewhere,
// steering, cancelling, answering, trying again. A real reef, the real pi, the offline model.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, type Reef, ROOT, startReef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type TestBrowser } from "./browser.js";
import {
  ATTACK,
  beginTask,
  box,
  complaintsOf,
  conversation,
  type Dashboard,
  ended,
  goTo,
  HOSTILE_MARKDOWN,
  isHacked,
  openCall,
  openDashboard,
  replied,
  rows,
  send,
  turns,
  watchPolicy,
} from "./dashboard.js";

const TOKEN = "server-token-conversation";
const cli = join(ROOT, "node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
/** The real pi with one more extension, which asks. */
const PI_PATH = `${process.execPath} --no-install --no-env-file --config=/dev/null ${cli} -e ${join(ROOT, "tests/flow/fixtures/ask.ts")}`;

describeInBrowser("a conversation in the dashboard", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let dashboard: Dashboard;

  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "1", REEF_THINKING: "low", PI_PATH };
    [reef, browser] = await Promise.all([startReef({ token: TOKEN, env }), openBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  test("a link alone signs nobody in; the click on its page does, once (spec §13.1)", async () => {
    const tab = await browser.tab();
    const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
    await tab.page.goto(url);
    expect(await tab.page.context().cookies()).toEqual([]);
    dashboard = await openDashboard(reef, browser);
    expect((await dashboard.page.context().cookies()).map(({ httpOnly }) => httpOnly)).toEqual([true]);
    await tab.page.getByRole("button", { name: "Sign in" }).click();
    await tab.page.getByRole("heading", { name: "Give reef its first task" }).waitFor();
    const again = await fetch(`${reef.url}/ui/login`, {
      method: "POST",
      body: new URLSearchParams(new URL(url).search),
    });
    expect(again.status).toBe(401);
    await tab.page.close();
  });

  test("the example is sent as it stands, seen in the feed and answered to its end (spec §14)", async () => {
    const { page } = dashboard;
    await page.getByRole("button", { name: "Send" }).click();
    await replied(page, /each does|\/store|store/);
    await ended(page);
    await rows(page).getByText("List the services and tell me what each does.", { exact: true }).waitFor();
    await rows(page).getByText("reef_manifest").first().waitFor();
    expect(await box(page).inputValue()).toBe("");
    expect(await page.locator(".branch-head h2").textContent()).toBe(
      "List the services and tell me what each does.",
    );
  });

  test("a call opens with its arguments and its result in the colors of their language (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "What is 2+2?");
    await replied(page, "2+2 = 4");
    const call = conversation(page).locator(".call");
    expect(await call.locator(".call-body").count()).toBe(0);
    await openCall(call);
    await call.locator("code.hljs", { hasText: "echo $((2+2))" }).locator(".hljs-built_in").waitFor();
    await call.locator(".result").getByText("4", { exact: true }).waitFor();
  });

  test("a reply goes on with the same task and sees what was said before", async () => {
    const { page } = dashboard;
    await send(page, "Now multiply by 10");
    await replied(page, "40");
    expect(await turns(page).count()).toBe(2);
    const { tasks } = await reef.api("GET", "/reef/tasks?order=newest&limit=1");
    expect(tasks.map(({ turns }: { turns: number }) => turns)).toEqual([2]);
  });

  test("a reply to an old node opens a branch; the numbers at the prompt lead from one to the other (spec §14)", async () => {
    const { page } = dashboard;
    await turns(page).first().getByRole("button", { name: "Reply here" }).last().click();
    await page.getByText("A new branch from the node that you chose.").waitFor();
    await send(page, "Add 2");
    await replied(page, "6");
    expect(await turns(page).count()).toBe(2);
    await turns(page).last().getByText("2 / 2").waitFor();
    await page.getByRole("button", { name: "The branch before" }).click();
    await replied(page, "40");
    await turns(page).last().getByText("1 / 2").waitFor();
    await page.getByRole("button", { name: "The next branch" }).click();
    await replied(page, "6");
  });

  test("one replies to a call as well, and the new branch sees its whole turn (spec §14)", async () => {
    const { page } = dashboard;
    const call = turns(page).first().locator(".call");
    await openCall(call);
    await call.getByRole("button", { name: "Reply here" }).click();
    await send(page, "Subtract 1");
    await replied(page, "3");
    await turns(page).last().getByText("3 / 3").waitFor();
  });

  test("text is shown as it is written, and its node takes its place without a jump (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await page.evaluate(watchWriting);
    await send(page, "slow: 40 words every 20 ms");
    await page.locator(".writing .markdown").waitFor();
    await page.locator(".caret").waitFor();
    await box(page).fill("written meanwhile");
    await ended(page);
    expect(await page.getByRole("textbox", { name: "Reply" }).inputValue()).toBe("written meanwhile");
    await box(page).fill("");
    const seen = await page.evaluate(() => (window as unknown as { seen: Seen[] }).seen);
    const lengths = seen.map(({ length }) => length);
    expect(new Set(lengths).size).toBeGreaterThan(5);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(Math.max(...seen.map(({ replies }) => replies))).toBe(1);
  });

  test("what the model thought is folded, above what it said (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "think: pineapples are fruit\nWhat is 3+4?");
    await replied(page, "3+4 = 7");
    const thought = conversation(page).locator("details.thinking");
    expect(await thought.getByText("pineapples are fruit").isVisible()).toBe(false);
    await thought.locator("summary").click();
    await thought.getByText("pineapples are fruit").waitFor();
  });

  test("a long result is folded until one asks for all of it; one that failed is open (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, 'call bash {"command": "seq 1 40"}\ncall bash {"command": "echo broken; exit 3"}');
    await page
      .locator(".turn-sum")
      .getByText(/offline model/)
      .waitFor();
    const [long, failed] = [
      conversation(page).locator(".call").first(),
      conversation(page).locator(".call").last(),
    ];
    await failed.locator(".result.failed").getByText("broken").waitFor();
    await openCall(long);
    expect((await long.locator(".result pre").textContent())?.trim().split("\n")).toHaveLength(10);
    await long.getByRole("button", { name: /^Show all/ }).click();
    await long.locator(".result pre").getByText("40").waitFor();
  });

  test("an edit is shown as what it takes out and puts in (spec §14)", async () => {
    const { page } = dashboard;
    const path = join(reef.dataDir, "edited.txt");
    const calls = [
      `call write ${JSON.stringify({ path, content: "one\ntwo\nthree\n" })}`,
      `call edit ${JSON.stringify({ path, edits: [{ oldText: "two", newText: "2" }] })}`,
    ];
    await beginTask(page);
    await send(page, calls.join("\n"));
    await page
      .locator(".turn-sum")
      .getByText(/offline model/)
      .waitFor();
    const edit = conversation(page).locator(".call").last();
    await openCall(edit);
    expect(await edit.locator(".diff .removed").allTextContents()).toEqual(["- two\n"]);
    expect(await edit.locator(".diff .added").allTextContents()).toEqual(["+ 2\n"]);
    expect(await Bun.file(path).text()).toBe("one\n2\nthree\n");
  });

  test("a run is steered, and cancelled after a question that the keyboard answers (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "slow: 900 words every 50 ms");
    await page.locator(".writing .markdown").waitFor();
    await box(page).fill("In Roman numerals, please.");
    await page.getByRole("button", { name: "Steer" }).click();
    await conversation(page).locator(".note").getByText("In Roman numerals, please.").waitFor();
    expect(await box(page).inputValue()).toBe("");
    await page.locator(".branch-scroll").click({ position: { x: 3, y: 3 } });
    await page.keyboard.press("c");
    await page.getByRole("dialog").getByText("Cancel “slow: 900 words every 50 ms”?").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Cancelled").waitFor();
    await rows(page).locator(".status-cancelled").waitFor();
  });

  test("before a task is cancelled, the tasks that end with it are named (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "Ask a sub-task: slow: 901 words every 50 ms");
    await rows(page).getByText("slow: 901 words every 50 ms", { exact: true }).waitFor();
    await conversation(page).getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/the task that it began: slow: 901 words/).waitFor();
    await dialog.getByRole("button", { name: "Back" }).click();
    const { tasks } = await reef.api("GET", "/reef/tasks?order=newest&limit=2");
    expect(tasks.map(({ status }: { status: string }) => status)).not.toContain("cancelled");
    await conversation(page).getByRole("button", { name: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Cancel it" }).click();
    await page.getByRole("alert").getByText("Cancelled").waitFor();
    const after = await reef.api("GET", "/reef/tasks?order=newest&limit=2");
    expect(after.tasks.map(({ status }: { status: string }) => status)).toEqual(["cancelled", "cancelled"]);
  });

  test("a question is counted, answered where it stands, and says then who gave which answer (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, 'call ask_select {"title": "Which color?"}');
    const question = conversation(page).getByRole("region", { name: "Question" });
    await question.getByText("Which color?").waitFor();
    await page.getByRole("link", { name: "1 question" }).waitFor();
    expect(await page.title()).toBe("(1) reef");
    await rows(page).locator(".status-waiting").waitFor();
    await question.getByRole("button", { name: "green" }).click();
    await question.locator(".answer").getByText("green").waitFor();
    await replied(page, /chosen: green/);
    await page.getByRole("link", { name: "1 question" }).waitFor({ state: "detached" });
    expect(await page.title()).toBe("reef");
  });

  test("a question that was answered elsewhere first is no error to whoever is late (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, 'call ask_confirm {"title": "Delete it?"}');
    const question = conversation(page).getByRole("region", { name: "Question" });
    await question.getByRole("button", { name: "Yes" }).waitFor();
    // Answered in another tab, before this one hears of it.
    await page.route("**/answer", async (route) => {
      const { pending } = await reef.api("GET", "/reef/pending");
      for (const { taskId } of pending)
        await reef.api("POST", `/reef/tasks/${taskId}/answer`, { confirmed: false });
      await route.continue();
    });
    await question.getByRole("button", { name: "Yes" }).click();
    await question.locator(".answer").getByText("no", { exact: true }).waitFor();
    await replied(page, /declined/);
    expect(await question.getByRole("alert").count()).toBe(0);
    await page.unroute("**/answer");
    forgive(dashboard, "409");
  });

  test("a task that failed says why, and is tried again beside the failure (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "What is 6*7?\nfail: auth");
    await page
      .getByRole("alert")
      .getByText(/^Failed: /)
      .waitFor();
    await rows(page).locator(".status-error").waitFor();
    const failed = page.url();
    await conversation(page).getByRole("button", { name: "Retry" }).click();
    await page.waitForURL((url) => url.href !== failed);
    await page
      .getByRole("alert")
      .getByText(/^Failed: /)
      .waitFor();
    const { tasks } = await reef.api("GET", "/reef/tasks?order=newest&limit=2");
    expect(tasks.map(({ trigger }: { trigger: string }) => trigger)).toEqual(
      Array(2).fill("What is 6*7?\nfail: auth"),
    );
  });

  test("why a node is there and what it led to with its cost are one click away (spec §14)", async () => {
    const { page } = dashboard;
    await beginTask(page);
    await send(page, "Ask a sub-task: What is 5+5?");
    await replied(page, /5\+5 = 10/);
    await rows(page).getByText("5+5 = 10").first().click();
    const bar = page.getByRole("region", { name: "The selected node" });
    await bar.getByRole("button", { name: "Why" }).click();
    await bar.getByRole("listitem").getByText("Ask a sub-task: What is 5+5?").waitFor();
    await bar.getByRole("listitem").getByText("Ask a sub-task: What is 5+5?").click();
    await turns(page).locator(".prompt.selected").getByText("Ask a sub-task: What is 5+5?").waitFor();
    await bar.getByRole("button", { name: "Effects" }).click();
    await bar.getByText(/^\d+ nodes, 1 task, 2 tool calls, .*(tokens|\$)/).waitFor();
  });

  test("the list of tasks has each with its numbers; it is narrowed, ordered, and cancels (spec §14)", async () => {
    const { page } = dashboard;
    const running = await reef.submit("slow: 902 words every 50 ms");
    await goTo(dashboard, "tasks");
    const table = page.locator("table.tasks");
    const row = table.locator("tr", { hasText: "slow: 902 words every 50 ms" });
    await row.getByText("running").waitFor();
    const cells = await table.locator("tr", { hasText: "What is 2+2?" }).last().locator("td").allInnerTexts();
    expect(cells.slice(3, 6).map((cell) => cell.trim())).toEqual([
      expect.stringMatching(/^\d+ m?s$/),
      expect.stringMatching(/^\d$/),
      expect.stringMatching(/^\d+k?$/),
    ]);
    await page.getByLabel("Status").selectOption("cancelled");
    await row.waitFor({ state: "detached" });
    await table.locator("tr", { hasText: "slow: 901 words" }).first().waitFor();
    await page.getByLabel("Status").selectOption("");
    await page.getByRole("searchbox", { name: "Filter the tasks" }).fill("902 WORDS");
    await table.locator("tbody tr").nth(1).waitFor({ state: "detached" });
    await row.getByRole("button", { name: `Cancel ${running.id}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel it" }).click();
    await row.getByText("cancelled").waitFor();
    await row.getByRole("link").click();
    await page.getByRole("alert").getByText("Cancelled").waitFor();
  });

  test("hostile texts are texts: prompts, arguments, results, replies, failures (spec §14)", async () => {
    const { page } = dashboard;
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.evaluate(watchPolicy);
    await beginTask(page);
    await send(page, `${ATTACK}\n\n${HOSTILE_MARKDOWN}`);
    await replied(page, /You said/);
    await conversation(page).locator(".prompt-text").getByText("<img src=x").waitFor();
    const reply = conversation(page).locator(".item-reply .markdown");
    await reply.getByText("<img src=x").first().waitFor();
    expect(
      await reply.locator("img, script, iframe, form, input, svg, style, [onclick], [style]").count(),
    ).toBe(0);
    const links = await reply.locator("a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    expect(links).toContain("https://elsewhere.example/page");
    const others = links.filter((href) => !href?.startsWith("https://elsewhere.example/"));
    expect(new Set(others)).toEqual(new Set([null]));
    expect(await reply.getByText("(elsewhere.example)").count()).toBeGreaterThan(0);
    await beginTask(page);
    await send(
      page,
      `call bash ${JSON.stringify({ command: `printf '%s' '${ATTACK.replaceAll("'", "")}'; exit 1` })}`,
    );
    await conversation(page).locator(".result.failed").getByText("<img src=x").waitFor();
    await ended(page);
    await beginTask(page);
    await send(page, `call bash ${JSON.stringify({ [ATTACK]: ATTACK })}`);
    await ended(page);
    await conversation(page).locator(".call-body pre").getByText("<img src=x").first().waitFor();
    for (const place of ["tasks", "search?q=onerror", "feed"]) {
      await goTo(dashboard, place);
      await page.getByText("<img src=x").first().waitFor();
    }
    expect(await page.locator("img").count()).toBe(0);
    expect([await isHacked(page), dialogs, await page.title()]).toEqual([false, [], "reef"]);
    expect(await page.evaluate(() => (window as unknown as { violations: string[] }).violations)).toEqual([]);
  });

  test("nothing was blocked, asked elsewhere or thrown meanwhile (spec §13.2)", () => {
    expect(complaintsOf(dashboard)).toEqual([]);
  });
});

/** What a browser writes down of each refusal is no complaint where the refusal is the point. */
function forgive({ complaints }: Dashboard, status: string): void {
  const kept = complaints.filter((one) => !one.includes(`status of ${status}`));
  complaints.splice(0, complaints.length, ...kept);
}

interface Seen {
  length: number;
  replies: number;
}

/** In the page: how long the newest reply is, and how many there are, at each picture that is painted. */
function watchWriting(): void {
  const seen: Seen[] = [];
  Object.assign(window, { seen });
  const look = () => {
    const all = document.querySelectorAll(".turn");
    const replies = [...(all[all.length - 1]?.querySelectorAll(".item-reply .markdown") ?? [])];
    const length = replies.reduce((sum, reply) => sum + (reply.textContent ?? "").trim().length, 0);
    if (all.length === 1 && length > 0) seen.push({ length, replies: replies.length });
    requestAnimationFrame(look);
  };
  look();
}
