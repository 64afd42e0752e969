// A real browser for the tests that need one: Debian's Chromium, headless, with a profile of its own that is gone after.
// Without one those tests are skipped and say why, except where CI is set: there they fail.
import { describe } from "bun:test";
import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const SCREENSHOTS_DIR = resolve(import.meta.dir, "screenshots");
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const LAUNCH_MS = 60_000;
/** For one step of a page. Generous: a machine that runs many tests at once is slow. */
const STEP_MS = 30_000;

export interface TabOptions {
  width?: number;
  height?: number;
  theme?: "light" | "dark";
  /** False opens a browser that runs no script. */
  scripts?: boolean;
}

export interface Tab {
  page: Page;
  /**
   * What went wrong in it so far: errors and warnings of its console with the address that each is about (a blocked
   * script or style is one, and an answer of 400 or more), errors that nobody caught, and requests to anywhere but
   * `127.0.0.1`.
   */
  complaints: string[];
}

export interface TestBrowser {
  /** A window of its own: nothing is shared with another one. */
  tab(options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
}

/** Where the browser is; undefined without one. */
const executable = findExecutable();

export const hasBrowser = executable !== undefined;

/** Like `describe`, for tests that need a browser. */
export function describeInBrowser(name: string, body: () => void): void {
  if (executable || process.env.CI) describe(name, body);
  else describe.skip(`${name} (skipped: ${noBrowser()})`, body);
}

export async function openBrowser(): Promise<TestBrowser> {
  if (!executable) throw new Error(noBrowser());
  const args = process.getuid?.() === 0 ? ["--no-sandbox", ...FLAGS] : FLAGS;
  const browser = await chromium.launch({
    executablePath: executable,
    args,
    headless: true,
    timeout: LAUNCH_MS,
  });
  return { tab: (options) => openTab(browser, options), close: () => browser.close() };
}

/** Takes a picture of what the window shows, for people: `tests/browser/screenshots/<name>.png`. */
export async function shoot({ page }: Tab, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS_DIR, `${name}.png`), animations: "disabled" });
}

function findExecutable(): string | undefined {
  const folders = ["/usr/bin", ...(process.env.PATH ?? "").split(":").filter(Boolean)];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next one is tried.
    return false;
  }
}

function noBrowser(): string {
  return `no browser: none of ${NAMES.join(", ")} is in /usr/bin or in PATH`;
}

async function openTab(browser: Browser, options: TabOptions = {}): Promise<Tab> {
  const { width = 1400, height = 900, theme = "light", scripts = true } = options;
  const viewport = { width, height };
  const context = await browser.newContext({ viewport, colorScheme: theme, javaScriptEnabled: scripts });
  context.setDefaultTimeout(STEP_MS);
  const complaints = listen(context);
  return { page: await context.newPage(), complaints };
}

function listen(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      complaints.push(`${message.text()} at ${message.location().url}`);
  });
  context.on("weberror", (event) => complaints.push(String(event.error())));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.hostname !== "127.0.0.1")
      complaints.push(`asks ${url.host}`);
  });
  return complaints;
}
