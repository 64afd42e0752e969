// The dashboard in a real browser: what comes over the wire, how soon something is there, and what scrolling through a
// tree of 100,000 nodes costs. Without a browser only the first is measured.
import type { CDPSession, Page } from "playwright-core";
import { fillTree } from "../browser/big-tree.js";
import { hasBrowser, openBrowser, type TestBrowser } from "../browser/browser.js";
import { type Dashboard, signIn } from "../browser/dashboard.js";
import { type Reef, startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { interleaved } from "./sample.js";
import { median, type Row } from "./table.js";

const NODES = 100_000;
const ENV = { HOST: "127.0.0.1", REEF_WARM: "0", REEF_OFFLINE: "1" };
const SCRIPT_KB_MAX = 150;
const FIRST_CONTENT_MS_MAX = 300;
const LONG_TASK_MS_MAX = 100;
/** One picture each; together more than the dashboard holds at a time. */
const SCROLL_FRAMES = 600;
const SCROLL_PX = 1_500;
/** The best of them counts: what the machine does meanwhile makes tasks longer, and nothing makes them shorter. */
const PASSES = 3;

export async function ui({ starts, folder }: Bench): Promise<Row[]> {
  const dataDir = folder();
  await fillTree(dataDir, NODES);
  const reef = await startReef({ dataDir, token: "server-token-bench", env: ENV });
  const browser = hasBrowser ? await openBrowser() : undefined;
  try {
    const wire = await overTheWire(reef);
    if (!browser) {
      process.stderr.write("ui: no browser, so only what comes over the wire is measured\n");
      return wire;
    }
    return [...wire, ...(await firstContent(reef, browser, starts)), ...(await scrolling(reef, browser))];
  } finally {
    await browser?.close();
    await reef.stop();
  }
}

async function overTheWire(reef: Reef): Promise<Row[]> {
  const { url } = await reef.api<{ url: string }>("POST", "/auth/magic-link");
  const token = new URL(url).searchParams.get("token");
  const login = await fetch(`${reef.url}/ui/login`, { method: "POST", body: JSON.stringify({ token }) });
  const cookie = (login.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const page = await (await fetch(`${reef.url}/ui/`, { headers: { cookie } })).text();
  const sizes = await Promise.all(
    ["js", "css"].map(async (type) => {
      const [path = ""] = new RegExp(`/ui/static/[^"]+\\.${type}`).exec(page) ?? [];
      const headers = { "accept-encoding": "gzip" };
      const answer = await fetch(reef.url + path, { headers, decompress: false });
      return (await answer.arrayBuffer()).byteLength / 1024;
    }),
  );
  const [script = Number.NaN, style = Number.NaN] = sizes;
  return [
    {
      what: "dashboard: script over the wire",
      measured: script,
      unit: "KB",
      goal: { of: "measured", atMost: SCRIPT_KB_MAX },
    },
    { what: "  style over the wire", measured: style, unit: "KB" },
  ];
}

/** Each time in a window that has nothing of an earlier one but the session. */
async function firstContent(reef: Reef, browser: TestBrowser, times: number): Promise<Row[]> {
  using bare = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => page("<p class='row'>content</p>") });
  const signed = { ...(await browser.tab()), reef };
  await signIn(signed);
  const cookies = await signed.page.context().cookies();
  const rows: number[] = [];
  const open = async (url: string) => {
    const { page } = await browser.tab();
    await page.context().addCookies(cookies);
    await page.goto(url);
    const seen = await page.evaluate(seenMs);
    await page.context().close();
    return seen;
  };
  const ways = {
    async dashboard() {
      const { content, row } = await open(`${reef.url}/ui/`);
      rows.push(row);
      return content;
    },
    bare: async () => (await open(bare.url.href)).content,
  };
  await interleaved(1, ways);
  const ms = await interleaved(Math.max(times, 5), ways);
  const what = `dashboard with ${NODES.toLocaleString("en-US")} nodes: first content`;
  const goal = { of: "measured", atMost: FIRST_CONTENT_MS_MAX } as const;
  return [
    { what, measured: ms.dashboard, baseline: ms.bare, unit: "ms", goal },
    { what: "  first row of the feed", measured: median(rows), baseline: ms.bare, unit: "ms" },
  ];
}

function page(body: string): Response {
  const headers = { "Content-Type": "text/html", "Cache-Control": "no-store" };
  return new Response(`<!doctype html><title>bare</title>${body}`, { headers });
}

async function scrolling(reef: Reef, browser: TestBrowser): Promise<Row[]> {
  const tab = await browser.tab();
  const dashboard: Dashboard = { ...tab, reef };
  await signIn(dashboard);
  const devtools = await tab.page.context().newCDPSession(tab.page);
  const before = await heapMegabytes(devtools);
  const longest: number[] = [];
  for (let pass = 0; pass < PASSES; pass++) longest.push(await scrollUp(tab.page));
  const after = await heapMegabytes(devtools);
  return [
    {
      what: "  longest task while scrolling back through it",
      measured: Math.min(...longest),
      unit: "ms",
      goal: { of: "measured", atMost: LONG_TASK_MS_MAX },
    },
    {
      what: "  heap of the page after that, against before",
      measured: after,
      baseline: before,
      unit: "MB",
      goal: { of: "difference", atMost: 30 },
    },
  ];
}

function scrollUp(page: Page): Promise<number> {
  return page.evaluate(scrollAndWatch, { frames: SCROLL_FRAMES, px: SCROLL_PX });
}

async function heapMegabytes(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize / 1024 / 1024;
}

/** In the page: milliseconds from the click to the first content that was painted, and to the first row. */
function seenMs(): Promise<{ content: number; row: number }> {
  return new Promise((done) => {
    const look = () => {
      const [painted] = performance.getEntriesByName("first-contentful-paint");
      const isThere = painted !== undefined && document.querySelector(".row") !== null;
      requestAnimationFrame(() =>
        isThere ? done({ content: painted.startTime, row: performance.now() }) : look(),
      );
    };
    look();
  });
}

/** In the page: the longest task in milliseconds; the browser tells of those above 50. */
async function scrollAndWatch({ frames, px }: { frames: number; px: number }): Promise<number> {
  const list = document.querySelector(".feed-scroll");
  if (!list) throw new Error("There is no feed to scroll.");
  let longest = 0;
  const hear = (entries: readonly PerformanceEntry[]) => {
    for (const { duration } of entries) longest = Math.max(longest, duration);
  };
  const observer = new PerformanceObserver((told) => hear(told.getEntries()));
  observer.observe({ type: "longtask" });
  for (let frame = 0; frame < frames; frame++) {
    list.scrollTop -= px;
    await new Promise(requestAnimationFrame);
  }
  hear(observer.takeRecords());
  observer.disconnect();
  return longest;
}
