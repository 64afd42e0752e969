// The page of a share link in a browser: what a visitor sees of a report whose every word is hostile, and what is left of
// the page when the link is dead (fleet spec §8, §17.10).
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { startReefWith } from "../fleet/reef-with.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { describeInBrowser, openBrowser, type Tab, type TabOptions, type TestBrowser } from "./browser.js";
import { barriers, overflowOf } from "./look.js";

const TOKEN = "server-token-share";
/** Of a window in which the whole page is seen. */
const TALL = 6_000;
/** One red pixel. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
/** Each leaves a trace, in the window or as a request, if it is taken for more than text. */
const ATTACK = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script></title></style></script>`;

const RAW = [
  ATTACK,
  "<script>window.hacked=1</script>",
  "<svg onload=window.hacked=1><animate onbegin=window.hacked=1 attributeName=x dur=1s>",
  "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
  "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=window.hacked=1&gt;'>",
  "<!-- <img src=x onerror=window.hacked=1> --><!--><img src=x onerror=window.hacked=1>",
  "<![CDATA[<img src=x onerror=window.hacked=1>]]><?x <img src=x onerror=window.hacked=1> ?>",
  "<link rel=stylesheet href=//evil.example/x.css><meta http-equiv=refresh content='0;url=//evil.example'>",
  "<base href=//evil.example><form action=//evil.example><button>b</button></form>",
  "<style>@import '//evil.example/y.css'; body { background: url(//evil.example/z) }</style>",
  "<a href=javascript:window.hacked=1>raw</a><object data=//evil.example></object><embed src=//evil.example>",
  "&lt;img src=x onerror=window.hacked=1&gt; &#60;script&#62;window.hacked=1&#60;/script&#62; &#x3c;img src=x&#x3e;",
];

const LINKS = [
  "[l](javascript:window.hacked=1)",
  "[l](JaVa&#115;cript:window.hacked=1)",
  "[l](javascript&colon;window.hacked=1)",
  "[l](java&Tab;script:window.hacked=1)",
  "[l](<java\tscript:window.hacked=1>)",
  "[l](<\u0001javascript:window.hacked=1>)",
  "[l](data:text/html,<script>window.hacked=1</script>)",
  "[l](vbscript:x)",
  "[l][bad]",
  "[l][__proto__]",
  "<javascript:window.hacked=1>",
  "![i](javascript:window.hacked=1)",
  "![i](data:image/svg+xml,<svg/onload=window.hacked=1>)",
  "![i][badimage]",
];

const IMAGES = [
  "![far](https://evil.example/pixel.png)",
  `![quote" onerror="window.hacked=1](https://evil.example/a.png "t\\" onload=\\"window.hacked=1")`,
  "[![nested](https://evil.example/b.png)](https://evil.example/c)",
  "[a <https://evil.example/d> https://evil.example/e <x@evil.example> f](https://evil.example/g)",
  "https://evil.example/?<script>window.hacked=1</script>",
  "<https://evil.example/'onmouseover='window.hacked=1>",
];

const DEFINITIONS = [
  "[bad]: javascript:window.hacked=1",
  "[__proto__]: javascript:window.hacked=1",
  "[badimage]: data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+ '\" onerror=\"window.hacked=1'",
];

const contentAt = (origin: string) =>
  [
    `# A ${ATTACK} heading`,
    ...RAW,
    ...LINKS,
    ...IMAGES,
    ...DEFINITIONS,
    `\`\`\`"><img src=x onerror=window.hacked=1>\n${ATTACK}\n\`\`\``,
    `| ${ATTACK.replaceAll("|", "")} | b |\n|:-|-:|\n| \`<img src=x onerror=window.hacked=1>\` | <b onclick=window.hacked=1>c</b> |`,
    `- [ ] <img src=x onerror=window.hacked=1>\n- [x] \`${ATTACK}\``,
    `> > ${ATTACK}`,
    `![pixel](${PIXEL})`,
    `[The server](${origin}/health) and [the end](#the-end)`,
    "x\n\n".repeat(40),
    "## The end",
  ].join("\n\n");

describeInBrowser("a share link", () => {
  let reef: Reef;
  let browser: TestBrowser;
  let url: string;

  beforeAll(async () => {
    reef = await startReefWith(["reports"], { token: TOKEN, env: { HOST: "127.0.0.1", REEF_OFFLINE: "1" } });
    browser = await openBrowser();
    url = (await share(await write(contentAt(reef.url)))).url;
  });
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  async function write(content: string): Promise<string> {
    const report = {
      title: `Title ${ATTACK}`,
      author: `Author ${ATTACK}`,
      content,
      tags: [ATTACK.slice(0, 90), "plain"],
    };
    return (await reef.api("POST", "/reports", report)).id;
  }
  const share = (id: string, body: object = {}): Promise<{ linkId: string; url: string }> =>
    reef.api("POST", `/reports/${id}/share`, { createdBy: ATTACK, label: ATTACK, ...body });

  const tabs: Tab[] = [];
  afterEach(async () => {
    for (const { page } of tabs.splice(0)) await page.context().close();
  });
  async function openTab(options: TabOptions = {}): Promise<Tab> {
    const tab = await browser.tab(options);
    tabs.push(tab);
    return tab;
  }
  async function visit(address: string, options: TabOptions = {}) {
    const tab = await openTab(options);
    const requests: string[] = [];
    tab.page.context().on("request", (request) => requests.push(request.url()));
    const response = await tab.page.goto(address);
    return { ...tab, requests, status: response?.status(), text: await response?.text() };
  }
  /**
   * Where the first letters of some elements are. A locator would leave listeners of its own in the page, which complains
   * of each when the mouse moves.
   */
  const placesOf = ({ page }: Tab, selector: string) =>
    page.evaluate((selector) => {
      return Array.from(document.querySelectorAll(selector), (one) => {
        const [first] = one.getClientRects();
        return { x: (first?.x ?? 0) + 5, y: (first?.y ?? 0) + (first?.height ?? 0) / 2 };
      });
    }, selector);
  async function press(tab: Tab, selector: string): Promise<void> {
    for (const { x, y } of (await placesOf(tab, selector)).slice(0, 1)) await tab.page.mouse.click(x, y);
  }
  const traceOf = ({ page }: Tab) => page.evaluate(() => Reflect.get(window, "hacked"));

  test("shows the attack where nobody stops it, so that this test would see it", async () => {
    const tab = await openTab();
    await tab.page.setContent(`<p>${ATTACK}`);
    await tab.page.waitForFunction(() => Reflect.get(window, "hacked") === 1);
  });

  test("shows hostile text as text: nothing runs, nothing is asked for but the page (spec §17.10)", async () => {
    const tab = await visit(url);
    const { page } = tab;
    await page.waitForLoadState("networkidle");
    expect(tab.status).toBe(200);
    expect(await page.title()).toBe(`Title ${ATTACK}`);
    expect(await page.locator("h1").first().textContent()).toBe(`Title ${ATTACK}`);
    expect(await page.locator("bdi").first().textContent()).toBe(`Author ${ATTACK}`);
    expect(await page.locator(".tags li").allTextContents()).toEqual([ATTACK.slice(0, 90), "plain"]);
    const viewer = page.locator(".report-viewer");
    const text = (await viewer.textContent()) ?? "";
    for (const raw of RAW.slice(0, -1)) for (const line of raw.split("\n")) expect(text).toContain(line);
    expect(text).toContain(
      "<img src=x onerror=window.hacked=1> <script>window.hacked=1</script> <img src=x>",
    );
    const forbidden = "script, iframe, object, embed, form, base, svg, math, video, audio, button, [style]";
    expect(await viewer.locator(forbidden).count()).toBe(0);
    expect(
      await page
        .locator("style, link, meta[http-equiv], script")
        .evaluateAll((all) => all.map((one) => one.outerHTML.split("\n")[0])),
    ).toEqual(['<link rel="icon" href="data:,">', "<style>"]);
    expect([await traceOf(tab), tab.complaints, tab.requests]).toEqual([undefined, [], [url]]);
  });

  test("has no attribute that a page could act on, and leads only where somebody may go", async () => {
    const { page } = await visit(url);
    const found = await page
      .locator(".report-viewer *")
      .evaluateAll((all) =>
        all.flatMap((one) =>
          Array.from(one.attributes, ({ name, value }) => ({ tag: one.localName, name, value })),
        ),
      );
    const names = new Set(found.map(({ name }) => name));
    const allowed =
      "href rel target title src alt id class dir align type disabled checked aria-label datetime".split(" ");
    expect([...names].filter((name) => !allowed.includes(name))).toEqual([]);
    const hrefs = found.filter(({ name }) => name === "href").map(({ value }) => value);
    expect(hrefs.length).toBeGreaterThanOrEqual(8);
    expect(
      hrefs.filter(
        (href) => !/^(https:\/\/evil\.example\/|http:\/\/127\.0\.0\.1:|mailto:|#the-end$)/.test(href),
      ),
    ).toEqual([]);
    expect(found.filter(({ name }) => name === "src").map(({ value }) => value)).toEqual([PIXEL]);
    const rels = await page
      .locator(".report-viewer a")
      .evaluateAll((all) => all.map((one) => one.getAttribute("rel")));
    expect(new Set(rels)).toEqual(new Set(["noopener noreferrer nofollow"]));
    expect(await page.locator(".report-viewer a a").count()).toBe(0);
  });

  test("runs nothing when everything in it is pointed at, and what looks like markup is pressed", async () => {
    const tab = await visit(url, { height: TALL });
    for (const { x, y } of await placesOf(tab, ".report-viewer :is(p, td, li, h1)"))
      await tab.page.mouse.move(x, y);
    for (const { x, y } of await placesOf(tab, "p.source")) await tab.page.mouse.click(x, y);
    expect([await traceOf(tab), tab.complaints, tab.requests]).toEqual([undefined, [], [url]]);
  });

  test("shows the image that lies in the text, and leads to headings and, in a window of its own, elsewhere", async () => {
    const tab = await visit(url, { height: TALL });
    const { page } = tab;
    const width = page.evaluate(
      () => document.querySelector<HTMLImageElement>(".report-viewer img")?.naturalWidth,
    );
    expect(await width).toBe(1);
    await press(tab, "a[href='#the-end']");
    await page.waitForURL(`${url}#the-end`);
    const opened = page.waitForEvent("popup");
    await press(tab, `a[href="${reef.url}/health"]`);
    const popup = await opened;
    await popup.waitForLoadState();
    expect(popup.url()).toBe(`${reef.url}/health`);
    expect(await popup.evaluate(() => [document.referrer, opener, origin])).toEqual(["", null, reef.url]);
    // The other page has no icon, which is its own affair.
    const icon = `${reef.url}/favicon.ico`;
    expect(tab.complaints.filter((one) => !one.endsWith(icon))).toEqual([]);
  });

  for (const [width, theme] of [
    [1_000, "light"],
    [360, "dark"],
  ] as const)
    test(`is legible at ${width} px, ${theme}`, async () => {
      const prose =
        "# Findings\n\nText with `code`, [a link](https://evil.example/), a list:\n\n- [x] done\n- [ ] not\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```\ncode that is long, longer than the window is wide, and goes on and on and on\n```";
      const tab = await visit((await share(await write(prose))).url, { width, theme });
      expect(await overflowOf(tab)).toBe(0);
      expect(tab.complaints).toEqual([]);
      // What looks at the page is a script, which the page itself does not allow.
      const copy = await openTab({ width, theme });
      await copy.page.setContent(tab.text ?? "");
      expect(await barriers(copy)).toEqual([]);
      const hostile = await visit(url, { width, theme });
      expect(await overflowOf(hostile)).toBe(0);
    });

  test("has a picture that shows the hostile title as text", async () => {
    const address = `${url}/og-image.svg`;
    const tab = await visit(address);
    const shown = await tab.page.evaluate(() => {
      const { documentElement: root } = document;
      return {
        tag: root.localName,
        names: Array.from(root.children, ({ localName }) => localName),
        text: root.textContent,
      };
    });
    expect([shown.tag, new Set(shown.names)]).toEqual(["svg", new Set(["rect", "text"])]);
    expect(shown.text).toContain("<img src=x");
    expect([await traceOf(tab), tab.requests]).toEqual([undefined, [address]]);
  });

  test("that is revoked, expired or unknown, or whose report is gone, shows one and the same page, 404", async () => {
    const id = await write("secret words");
    const [revoked, deleted] = [await share(id), await share(id)];
    const expired = await share(id, { expiresAt: "2020-01-01" });
    for (const one of [revoked, deleted]) expect((await visit(one.url)).text).toContain("secret words");
    await reef.api("DELETE", `/reports/share/${revoked.linkId}`);
    await reef.api("DELETE", `/reports/${id}`);
    const unknown = `${reef.url}/reports/share/AAAAAAAAAAAAAAAAAAAAAA`;
    const texts = new Set<string | undefined>();
    for (const address of [revoked.url, expired.url, deleted.url, unknown]) {
      const tab = await visit(address);
      expect(tab.status).toBe(404);
      expect(await tab.page.locator("h1").textContent()).toBe("Nothing to see here");
      // The browser says of any 404 that it is one.
      expect(tab.complaints.filter((one) => !one.includes("404"))).toEqual([]);
      expect(tab.requests).toEqual([address]);
      texts.add(tab.text);
    }
    expect(texts.size).toBe(1);
  });

  test("notes each of these views and nothing else", async () => {
    const { linkId, url } = await share(await write("words"));
    const tab = await visit(url);
    await tab.page.reload();
    await visit(`${url}/og-image.svg`);
    const { log } = await reef.api("GET", `/reports/share/${linkId}/access`);
    expect(log).toHaveLength(2);
    expect(log[0]).toMatchObject({ ip: "127.0.0.1", referrer: null });
    expect(log[0].userAgent).toContain("Chrome");
    const tree = JSON.stringify(await reef.api("GET", "/reef/tree"));
    expect(tree).toContain("reports_shared");
    expect(tree).not.toContain(linkId);
  });
});
