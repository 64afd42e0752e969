// The way through the dashboard to the other services: who may, what goes in and out, and when it ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { RequestOptions } from "#core/testing.js";
import type { Caller, ServiceContext, ServiceModule } from "#core/types.js";
import { type Browser, openHarness, refusalOf, type UiHarness } from "./harness.js";

let caller: () => Caller;
/** Settles when the stream of `/echo/stream` was cancelled. */
let cancelled = Promise.withResolvers<void>();
let feed: ReadableStreamDefaultController<Uint8Array>;

const BYTES = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 31) % 256);

const echo: ServiceModule = {
  name: "echo",
  routes: new Hono()
    .get("/bytes", (c) => c.body(BYTES, 200, { "Content-Type": "application/gzip", ETag: '"7"' }))
    .get("/cookies", () => {
      const headers = new Headers({
        "X-Kept": "1",
        Connection: "X-Hop",
        "X-Hop": "1",
        "Keep-Alive": "timeout=5",
      });
      headers.append("Set-Cookie", "a=1");
      headers.append("Set-Cookie", "session=stolen; Path=/");
      return new Response("x", { headers });
    })
    .get("/page", (c) => c.html("<script>1</script>"))
    .get("/elsewhere", (c) => c.redirect("https://example.org/x", 307))
    .get("/nothing", (c) => c.body(null, 204))
    .get("/late", () => new Promise<Response>(() => {}))
    .get("/stream", () => {
      const { resolve } = cancelled;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          feed = controller;
        },
        cancel: () => resolve(),
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    })
    .get("/broken", () => {
      const body = new ReadableStream({ start: (controller) => controller.error(new Error("broken")) });
      return new Response(body);
    })
    .all("/request/*", async (c) =>
      c.json({
        method: c.req.method,
        url: c.req.url.replace(/^https?:\/\/[^/]+/, ""),
        headers: c.req.header(),
        caller: caller(),
        body: new Bun.CryptoHasher("sha256").update(await c.req.arrayBuffer()).digest("hex"),
      }),
    ),
  init(ctx: ServiceContext) {
    caller = () => ctx.caller();
  },
};

let harness: UiHarness;
let browser: Browser;
beforeAll(async () => {
  harness = await openHarness({ services: [echo] });
  browser = await harness.signIn();
});
afterAll(() => harness.cleanup());

const asked = async (path: string, options: RequestOptions = {}) =>
  (await (await browser(`/ui/api/echo/request${path}`, options)).json()) as {
    method: string;
    url: string;
    headers: Record<string, string>;
    caller: Caller;
    body: string;
  };

describe("who gets through (spec §13.3)", () => {
  test("without a session everything under it is 401, in JSON and without a redirect", async () => {
    for (const path of ["/ui/api", "/ui/api/", "/ui/api/echo/bytes", "/ui/api/nobody", "/ui/api/ui/session"])
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        const headers = { accept: "text/html", origin: "https://evil.example" };
        const answer = await harness.fetch(path, { method, headers });
        expect(await refusalOf(answer)).toEqual([401, "Unauthorized — no session", "unauthorized"]);
      }
  });

  test("the server's token is no session", async () => {
    expect((await harness.fetch("/ui/api/echo/bytes", { auth: true })).status).toBe(401);
  });

  test("the service sees a person at the dashboard, and no token (spec §2.2)", async () => {
    const { caller: who, headers } = await asked("/x", { headers: { authorization: "Bearer stolen" } });
    expect(who).toEqual({ kind: "session" });
    expect(headers.authorization).toBeUndefined();
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("%s of a page of another site is 403", async (method) => {
    const refused = [403, "Origin not allowed", "forbidden"];
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ] as Record<string, string>[])
      expect(await refusalOf(browser("/ui/api/echo/request/x", { method, headers }))).toEqual(refused);
    const own = { origin: "http://localhost", "sec-fetch-site": "same-origin" };
    expect((await asked("/x", { method, headers: own })).method).toBe(method);
    expect((await asked("/x", { method })).method).toBe(method);
  });

  test.each([
    "/ui/api/ui",
    "/ui/api/ui/session",
    "/ui/api/ui/api/echo/bytes",
    "/ui/api/auth/magic-link",
    "/ui/api/%75i/session",
    "/ui/api/%61uth/magic-link",
    "/ui/api//ui/session",
    "/ui/api///auth/magic-link",
    "/ui/api/echo/../ui/session",
    "/ui/api/echo/%2e%2e/ui/session",
    "/ui/api/%zz",
    "/ui/api/%",
    "/ui/api/%2575i/session",
    "/ui/api/..%2fui/session",
    "/ui/api/%5cui/session",
    "/ui/api/nobody/here",
    "/ui/api/echo/nothing/here",
    "/ui/api/",
    "/ui/api",
  ])("%s leads nowhere: 404", async (path) => {
    for (const method of ["GET", "POST"]) {
      const answer = await browser(path, { method });
      expect([answer.status, answer.headers.get("set-cookie")]).toEqual([404, null]);
      expect(await answer.json()).toHaveProperty("error");
    }
  });
});

describe("what goes in (spec §13.3)", () => {
  test("path and query as they were sent", async () => {
    expect((await asked("/a%2Fb/%C3%A9?x=%26&x=2&y=a+b%20c")).url).toBe(
      "/echo/request/a%2Fb/%C3%A9?x=%26&x=2&y=a+b%20c",
    );
  });

  test("the headers of the list, and no other", async () => {
    const passed = {
      accept: "application/json",
      "content-type": "application/x-tar",
      "if-match": '"1"',
      "if-none-match": '"2"',
      "last-event-id": "7",
      range: "bytes=0-1",
      "idempotency-key": "k",
      prefer: "wait=1",
      "lease-token": "l",
    };
    const kept = {
      authorization: "Bearer x",
      "x-agent-name": "somebody",
      "x-reef-cause": "01J",
      "x-forwarded-for": "192.0.2.1",
      "sec-fetch-site": "same-origin",
      "user-agent": "browser",
    };
    const { headers } = await asked("/x", { method: "POST", body: "x", headers: { ...passed, ...kept } });
    expect(headers).toEqual(passed);
  });

  test("a body of any kind, byte for byte", async () => {
    const { body, method } = await asked("/x", { method: "PUT", body: BYTES });
    expect(body).toBe(new Bun.CryptoHasher("sha256").update(BYTES).digest("hex"));
    expect(method).toBe("PUT");
  });
});

describe("what comes out (spec §13.3)", () => {
  test("status, headers and bytes as the service sent them", async () => {
    const direct = await harness.fetch("/echo/bytes", { auth: true });
    const through = await browser("/ui/api/echo/bytes");
    expect(through.status).toBe(200);
    expect(Object.fromEntries(through.headers)).toEqual(Object.fromEntries(direct.headers));
    expect(await through.bytes()).toEqual(BYTES);
    expect((await browser("/ui/api/echo/nothing")).status).toBe(204);
    const head = await browser("/ui/api/echo/bytes", { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, '"7"', ""]);
  });

  test("no cookie, and nothing that is between two hops alone", async () => {
    const { headers } = await browser("/ui/api/echo/cookies");
    expect(headers.get("set-cookie")).toBeNull();
    expect(headers.get("x-kept")).toBe("1");
    for (const name of ["connection", "x-hop", "keep-alive"]) expect(headers.get(name)).toBeNull();
  });

  test("a redirect, which is not followed", async () => {
    const answer = await browser("/ui/api/echo/elsewhere");
    expect([answer.status, answer.headers.get("location")]).toEqual([307, "https://example.org/x"]);
  });

  test("a document in a sandbox: no service's HTML runs with the session of who opens it", async () => {
    expect((await browser("/ui/api/echo/page")).headers.get("content-security-policy")).toBe("sandbox");
    expect((await browser("/ui/api/echo/bytes")).headers.get("content-security-policy")).toBeNull();
  });

  test("an event stream frame by frame, and a browser that goes ends it", async () => {
    cancelled = Promise.withResolvers();
    const answer = await browser("/ui/api/echo/stream");
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const reader = answer.body?.getReader();
    for (const text of ["data: 1\n\n", ": ping\n\n", "data: 2\n\n"]) {
      feed.enqueue(new TextEncoder().encode(text));
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(text);
    }
    await reader?.cancel();
    await cancelled.promise;
  });

  test("the end of a stream that the service ends, and its failure", async () => {
    const answer = await browser("/ui/api/echo/stream");
    feed.enqueue(new TextEncoder().encode("data: last\n\n"));
    feed.close();
    expect(await answer.text()).toBe("data: last\n\n");
    const broken = await browser("/ui/api/echo/broken");
    await expect(broken.text()).rejects.toThrow("broken");
  });
});

describe("the end of a session (spec §13.1)", () => {
  test("ends its streams, and no other session's", async () => {
    const ending = await harness.signIn();
    cancelled = Promise.withResolvers();
    const other = await browser("/ui/api/echo/stream");
    const others = feed;
    cancelled = Promise.withResolvers();
    const answer = await ending("/ui/api/echo/stream");
    feed.enqueue(new TextEncoder().encode("data: 1\n\n"));
    await ending("/ui/logout", { method: "POST" });
    await cancelled.promise;
    expect(["", "data: 1\n\n"]).toContain(await answer.text());
    others.enqueue(new TextEncoder().encode("data: still\n\n"));
    others.close();
    expect(await other.text()).toBe("data: still\n\n");
  });

  test("ends a request that was not answered yet, as one without a session", async () => {
    const ending = await harness.signIn();
    const answer = ending("/ui/api/echo/late");
    await ending("/ui/logout", { method: "POST" });
    expect(await refusalOf(answer)).toEqual([401, "Unauthorized — no session", "unauthorized"]);
  });

  test("a browser that goes before the answer is no failure of the dashboard", async () => {
    const going = new AbortController();
    const request = new Request("http://localhost/ui/api/echo/late", {
      headers: { cookie: await cookieOf() },
      signal: going.signal,
    });
    const answer = harness.app.fetch(request);
    going.abort();
    expect((await answer).status).toBe(499);
    const status = harness.ctx.registry.list().find(({ name }) => name === "ui");
    expect(status?.lastError).toBeUndefined();
  });

  async function cookieOf(): Promise<string> {
    const answer = await harness.fetch("/ui/login", { body: { token: await harness.invite() } });
    return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  }
});
