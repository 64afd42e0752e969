// Signing in and out: links that work once, sessions that end when they should, and nothing that a preview could use up.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestOptions } from "#core/testing.js";
import { cookieIn, openHarness, refusalOf, type UiHarness } from "./harness.js";

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

let harness: UiHarness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(async () => {
  setSystemTime();
  await harness.cleanup();
});

const login = (token: string, options: RequestOptions = {}) =>
  harness.fetch("/ui/login", { body: { token }, ...options });
const loginByForm = (token: string, headers: Record<string, string> = {}) =>
  harness.fetch("/ui/login", {
    method: "POST",
    body: `token=${token}`,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });

/** As if it came from this address, over a socket. */
function from(address: string, path: string, init: RequestInit): Promise<Response> {
  const request = new Request(`http://localhost${path}`, init);
  return Promise.resolve(harness.app.fetch(request, { requestIP: () => ({ address }) }));
}

describe("a magic link (spec §13.1)", () => {
  test("is made for the server's token: an address, and an end five minutes from now", async () => {
    setSystemTime(new Date("2030-01-01T12:00:00.000Z"));
    const { status, data, headers } = await harness.json("/auth/magic-link", { method: "POST", auth: true });
    expect(status).toBe(200);
    expect(data).toEqual({
      url: expect.stringMatching(/^http:\/\/localhost\/ui\/login\?token=/),
      expiresAt: "2030-01-01T12:05:00.000Z",
    });
    expect(new URL(data.url).searchParams.get("token")).toMatch(TOKEN);
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test("is refused to those without the token", async () => {
    const refused = [401, "Unauthorized", "unauthorized"];
    expect(await refusalOf(harness.fetch("/auth/magic-link", { method: "POST" }))).toEqual(refused);
    expect(await refusalOf(harness.fetch("/auth/magic-link", { method: "POST", auth: "wrong" }))).toEqual(
      refused,
    );
    const browser = await harness.signIn();
    expect(await refusalOf(browser("/auth/magic-link", { method: "POST" }))).toEqual(refused);
  });

  test("spells the name and the scheme under which it was asked for (spec §1.11)", async () => {
    const asked = (headers: Record<string, string>) =>
      harness.json("/auth/magic-link", { method: "POST", auth: true, headers });
    expect((await asked({ host: "reef.example:8080" })).data.url).toStartWith(
      "http://reef.example:8080/ui/login?token=",
    );
    expect((await asked({ host: "abc.vm.vers.sh" })).data.url).toStartWith(
      "https://abc.vm.vers.sh/ui/login?",
    );
  });

  test("read by GET and HEAD, however often, sets no cookie and stays good", async () => {
    const token = await harness.invite();
    for (const method of ["GET", "HEAD", "GET", "HEAD"]) {
      const answer = await harness.fetch(`/ui/login?token=${token}`, { method });
      expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
      expect((await answer.text()).length > 0).toBe(method === "GET");
    }
    expect((await login(token)).status).toBe(200);
    const used = await harness.fetch(`/ui/login?token=${token}`, { method: "HEAD" });
    expect(used.status).toBe(401);
  });

  test("works once, also when it is used twice at the same time", async () => {
    const token = await harness.invite();
    const answers = await Promise.all([login(token), login(token), login(token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    expect(await refusalOf(login(token))).toEqual([401, "Invalid or expired link", "unauthorized"]);
  });

  test("used, expired and forged ones fail alike", async () => {
    setSystemTime(new Date("2030-01-01T12:00:00.000Z"));
    const used = await harness.invite();
    await login(used);
    const expired = await harness.invite();
    setSystemTime(new Date("2030-01-01T12:05:00.000Z"));
    const pages = [];
    for (const token of [used, expired, "A".repeat(43), "x", "é\u0000<b>", "y".repeat(5_000)]) {
      const encoded = encodeURIComponent(token);
      const page = await harness.fetch(`/ui/login?token=${encoded}`);
      const answer = await loginByForm(encoded);
      expect([page.status, answer.status, answer.headers.get("set-cookie")]).toEqual([401, 401, null]);
      pages.push(await page.text(), await answer.text());
      expect(await refusalOf(login(token))).toEqual([401, "Invalid or expired link", "unauthorized"]);
    }
    expect(new Set(pages).size).toBe(1);
    expect(pages[0]).toContain("<h1>Invalid or expired link</h1>");
  });

  test("of more than 100 that nobody used, the oldest are forgotten", async () => {
    const tokens = [];
    for (let at = 0; at < 101; at++) {
      setSystemTime(new Date(Date.UTC(2030, 0, 1, 12, 0, 0, at)));
      tokens.push(await harness.invite());
    }
    const statuses = await Promise.all(
      [tokens[0], tokens[1], tokens[100]].map(async (token) => {
        return (await harness.fetch(`/ui/login?token=${token}`, { method: "HEAD" })).status;
      }),
    );
    expect(statuses).toEqual([401, 200, 200]);
  });
});

describe("the sign-in page (spec §13.1)", () => {
  test("says how to get a link when there is none", async () => {
    const page = await harness.fetch("/ui/login");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<code>reef open</code>");
  });

  test("is one form with one button, runs nothing and refers to nothing elsewhere", async () => {
    for (const path of ["/ui/login", `/ui/login?token=${await harness.invite()}`, "/ui/login?token=bad"]) {
      const page = await harness.fetch(path);
      const { headers } = page;
      expect(headers.get("content-type")).toMatch(/^text\/html; charset=utf-8$/i);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("referrer-policy")).toBe("same-origin");
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      const text = await page.text();
      expect(text).not.toMatch(/<script|<link|<img|https?:|\son\w+=/);
      const forms = text.match(/<form method="post" action="\/ui\/login">/g) ?? [];
      expect(forms.length).toBe(path.includes("bad") || path === "/ui/login" ? 0 : 1);
      expect(text.match(/<button/g)?.length ?? 0).toBe(forms.length);
    }
  });
});

describe("signing in (spec §13.1)", () => {
  test("by form leads to the dashboard, by JSON says until when", async () => {
    setSystemTime(new Date("2030-01-01T12:00:00.000Z"));
    const byForm = await loginByForm(await harness.invite());
    expect([byForm.status, byForm.headers.get("location")]).toEqual([303, "/ui/"]);
    const byJson = await login(await harness.invite());
    expect(await byJson.json()).toEqual({ expiresAt: "2030-01-02T12:00:00.000Z" });
    const unnamed = await harness.fetch("/ui/login", {
      method: "POST",
      body: JSON.stringify({ token: await harness.invite() }),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(unnamed.status).toBe(200);
    for (const answer of [byForm, byJson])
      expect((await harness.browserWith(cookieIn(answer))("/ui/session")).status).toBe(200);
  });

  test("sets a cookie that scripts cannot read and that other sites cannot send along", async () => {
    const answer = await login(await harness.invite());
    const [cookie = "", ...flags] = (answer.headers.get("set-cookie") ?? "").split("; ");
    expect(cookie).toMatch(/^session=[A-Za-z0-9_-]{43}$/);
    expect(flags.sort()).toEqual(["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax"]);
  });

  test("over https the cookie is Secure, however the proxy says so (spec §1.11)", async () => {
    const flagsFor = async (url: string, headers: Record<string, string>, address = "127.0.0.1") => {
      const body = JSON.stringify({ token: await harness.invite() });
      const request = new Request(url, { method: "POST", body, headers });
      const answer = await harness.app.fetch(request, { requestIP: () => ({ address }) });
      return (answer.headers.get("set-cookie") ?? "").split("; ").slice(1).sort();
    };
    const plain = ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax"];
    const secure = [...plain, "Secure"];
    const url = "http://localhost/ui/login";
    expect(await flagsFor(url, { "x-forwarded-proto": "https" })).toEqual(secure);
    expect(await flagsFor(url, { "x-forwarded-proto": "https" }, "203.0.113.9")).toEqual(plain);
    expect(await flagsFor("http://abc.vm.vers.sh/ui/login", {})).toEqual(secure);
    expect(await flagsFor("https://reef.example/ui/login", {})).toEqual(secure);
  });

  test("on another port than 3000 the cookie has the port in its name", async () => {
    const nameAt = async (origin: string) => {
      const body = JSON.stringify({ token: await harness.invite() });
      const answer = await harness.app.fetch(new Request(`${origin}/ui/login`, { method: "POST", body }));
      return cookieIn(answer).split("=")[0];
    };
    expect(await nameAt("http://localhost:3000")).toBe("session");
    expect(await nameAt("http://localhost:4001")).toBe("session_4001");
    expect(await nameAt("https://reef.example")).toBe("session");
  });

  test("leaves an event without an id of the link or the session (spec §13.1)", async () => {
    const events: Record<string, unknown>[] = [];
    harness.events.on("reef:event", (event) => void events.push(event));
    const token = await harness.invite();
    const answer = await from("192.0.2.7", "/ui/login", {
      method: "POST",
      body: JSON.stringify({ token }),
    });
    await harness.browserWith(cookieIn(answer))("/ui/logout", { method: "POST" });
    expect(events).toEqual([
      { type: "ui_login", content: "signed in from 192.0.2.7", address: "192.0.2.7" },
      { type: "ui_logout", content: "signed out from ", address: "" },
    ]);
  });

  test("is refused for a page of another site, and uses nothing up", async () => {
    const token = await harness.invite();
    const refused = [403, "Origin not allowed", "forbidden"];
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://localhost:81" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "same-origin", origin: "https://evil.example" },
    ])
      expect(await refusalOf(login(token, { headers: headers as Record<string, string> }))).toEqual(refused);
    const own = { origin: "http://localhost", "sec-fetch-site": "same-origin" };
    expect((await login(token, { headers: own })).status).toBe(200);
  });

  test("after 20 failures in a minute an address has to wait, and no other (spec §13.1)", async () => {
    setSystemTime(new Date("2030-01-01T12:00:00.000Z"));
    const attempt = (address: string, token: string, type = "application/json") =>
      from(address, "/ui/login", {
        method: "POST",
        body: type.includes("json") ? JSON.stringify({ token }) : `token=${token}`,
        headers: { "content-type": type },
      });
    for (let count = 0; count < 20; count++) expect((await attempt("192.0.2.1", "x")).status).toBe(401);
    const good = await harness.invite();
    const late = await attempt("192.0.2.1", good);
    expect([late.status, late.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await late.json()).toMatchObject({ error: "too many failed logins", code: "rate_limited" });
    const page = await attempt("192.0.2.1", good, "application/x-www-form-urlencoded");
    expect([page.status, page.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await page.text()).toContain("<h1>Too many failed logins</h1>");
    expect((await attempt("192.0.2.2", "x")).status).toBe(401);
    setSystemTime(new Date("2030-01-01T12:01:00.001Z"));
    expect((await attempt("192.0.2.1", good)).status).toBe(200);
  });
});

describe("a session (spec §13.1)", () => {
  test("lasts 24 hours and is not made longer by use", async () => {
    setSystemTime(new Date("2030-01-01T12:00:00.000Z"));
    const browser = await harness.signIn();
    const session = await (await browser("/ui/session")).json();
    expect(session).toMatchObject({ mode: "session", expiresAt: "2030-01-02T12:00:00.000Z" });
    setSystemTime(new Date("2030-01-02T11:59:59.999Z"));
    expect(await (await browser("/ui/session")).json()).toEqual(session);
    setSystemTime(new Date("2030-01-02T12:00:00.000Z"));
    const refused = [401, "Unauthorized — no session", "unauthorized"];
    expect(await refusalOf(browser("/ui/session"))).toEqual(refused);
    expect(await refusalOf(harness.browserWith("session=x")("/ui/session"))).toEqual(refused);
    expect(await refusalOf(harness.fetch("/ui/session"))).toEqual(refused);
  });

  test("and a link survive a restart, and the file gives neither away", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "reef-ui-"));
    const first = await openHarness({ dataDir });
    const token = await first.invite();
    const answer = await first.fetch("/ui/login", { body: { token: await first.invite() } });
    const session = cookieIn(answer);
    await first.cleanup();
    const files = readdirSync(dataDir).filter((name) => name.startsWith("ui.sqlite"));
    expect(files).toContain("ui.sqlite");
    const bytes = files.map((name) => readFileSync(join(dataDir, name), "latin1")).join("");
    expect(bytes).not.toContain(token);
    expect(bytes).not.toContain(session.slice("session=".length));
    const again = await openHarness({ dataDir });
    try {
      expect((await again.browserWith(session)("/ui/session")).status).toBe(200);
      expect((await again.fetch("/ui/login", { body: { token } })).status).toBe(200);
    } finally {
      await again.cleanup();
      rmSync(dataDir, { recursive: true });
    }
  });

  test("of more than 1,000 the oldest ends", async () => {
    const first = await harness.signIn();
    const second = await harness.signIn();
    const path = join(harness.dataDir, "ui.sqlite");
    using db = new Database(path);
    const insert = db.prepare("INSERT INTO sessions VALUES (?, ?)");
    const soon = Date.now() + 86_400_000 * 2;
    db.transaction(() => {
      for (let at = 0; at < 998; at++) insert.run(`filler ${at}`, soon);
    })();
    const newest = await harness.signIn();
    const statuses = await Promise.all(
      [first, second, newest].map(async (browser) => (await browser("/ui/session")).status),
    );
    expect(statuses).toEqual([401, 200, 200]);
  });

  test("ends with a logout, which takes the cookie away", async () => {
    const browser = await harness.signIn();
    const other = await harness.signIn();
    const answer = await browser("/ui/logout", { method: "POST" });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(answer.headers.get("set-cookie")).toMatch(
      /^session=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect((await browser("/ui/session")).status).toBe(401);
    expect((await browser("/ui/logout", { method: "POST" })).status).toBe(401);
    expect((await other("/ui/session")).status).toBe(200);
    const page = await other("/ui/logout", { method: "POST", headers: { accept: "text/html" } });
    expect([page.status, page.headers.get("location")]).toEqual([303, "/ui/login"]);
  });

  test("all sessions end with ?all=true", async () => {
    const browsers = [await harness.signIn(), await harness.signIn()];
    const [first] = browsers;
    expect((await first?.("/ui/logout?all=true", { method: "POST" }))?.status).toBe(204);
    for (const browser of browsers) expect((await browser("/ui/session")).status).toBe(401);
  });

  test("is not ended by a page of another site, nor by GET", async () => {
    const browser = await harness.signIn();
    const foreign = { origin: "https://evil.example" };
    expect(await refusalOf(browser("/ui/logout", { method: "POST", headers: foreign }))).toEqual([
      403,
      "Origin not allowed",
      "forbidden",
    ]);
    expect((await browser("/ui/logout")).status).toBe(404);
    expect((await browser("/ui/session")).status).toBe(200);
  });
});

describe("bad input to POST /ui/login", () => {
  test.each([
    ["nothing", "", undefined, "token is required"],
    ["a blank token", "token=", "application/x-www-form-urlencoded", "token is required"],
    ["another field", "tokens=x", "application/x-www-form-urlencoded", "token is required"],
    ["no JSON", "{", "application/json", "Invalid JSON body"],
    ["empty JSON", "", "application/json", "Invalid JSON body"],
    ["null", "null", "application/json", "Invalid JSON body"],
    ["an array", "[]", "application/json", "Invalid JSON body"],
    ["text", '"token"', "application/json", "Invalid JSON body"],
    ["no token", "{}", "application/json", "token is required"],
    ["a null token", '{"token":null}', "application/json", "token is required"],
    ["a number", '{"token":7}', "application/json", "token is required"],
    ["a list", '{"token":["x"]}', "application/json", "token is required"],
    ["a blank one", '{"token":""}', "application/json", "token is required"],
    ["a prototype", '{"__proto__":{"token":"x"}}', "application/json", "token is required"],
    ["a broken upload", "--x", "multipart/form-data; boundary=y", "token is required"],
  ])("%s is 400", async (_what, body, type, error) => {
    const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
    const answer = await harness.fetch("/ui/login", { method: "POST", body, headers });
    expect(await refusalOf(answer)).toEqual([400, error, "bad_request"]);
    expect(answer.headers.get("set-cookie")).toBeNull();
  });

  test("a body over the limit is 413", async () => {
    const answer = await harness.fetch("/ui/login", { body: { token: "x".repeat(5_000_000) } });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([413, null]);
  });
});
