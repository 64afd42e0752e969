// Panels: which there are, the walls around each, and what its script may call for how long.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import type { RequestOptions } from "#core/testing.js";
import type { Caller, ServiceContext, ServiceModule } from "#core/types.js";
import { type Browser, openHarness, refusalOf, type UiHarness } from "./harness.js";

const OUTSIDE = [403, "outside this panel's services", "forbidden"];
const EXPIRED = [401, "panel expired", "unauthorized"];
const BIG = 1024 * 1024;

let streaming: ReadableStreamDefaultController<Uint8Array>;
let cancelled = Promise.withResolvers<void>();

/** A service that says who called which of its routes. */
function service(name: string, rest: Partial<ServiceModule> = {}, panel = `<p>${name}</p>`): ServiceModule {
  let caller: () => Caller;
  return {
    name,
    description: `The ${name}`,
    routes: new Hono()
      .get("/_panel", (c) => c.html(panel))
      .get("/stream", () => {
        const { resolve } = cancelled;
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            streaming = controller;
          },
          cancel: () => resolve(),
        });
        return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
      })
      .get(
        "/page",
        () => new Response("[]", { headers: { "X-Next-Cursor": "7", ETag: '"1"', "Set-Cookie": "a=1" } }),
      )
      .all("/*", (c) => c.json({ service: name, method: c.req.method, path: c.req.path, caller: caller() })),
    init(ctx: ServiceContext) {
      caller = () => ctx.caller();
    },
    ...rest,
  };
}

let harness: UiHarness;
let browser: Browser;
const open = async (...services: ServiceModule[]) => {
  await harness?.cleanup();
  harness = await openHarness({ services });
  browser = await harness.signIn();
};
beforeEach(() => open(service("alpha"), service("beta")));
afterEach(() => harness.cleanup());

const show = (name: string, options: RequestOptions = {}) => browser(`/ui/panel/${name}`, options);
/** `/ui/p/<capability>/api` of a panel that is shown now. */
const apiOf = async (name: string, who = browser) =>
  /var PANEL_API = "([^"]+)"/.exec(await (await who(`/ui/panel/${name}`)).text())?.[1] ?? "";

describe("the list (spec §13.4)", () => {
  test("holds the live modules with a panel, by name", async () => {
    await open(
      service("zeta"),
      service("alpha", { description: undefined }),
      { name: "plain", routes: new Hono().get("/x", (c) => c.text("x")) },
      { name: "post", routes: new Hono().post("/_panel", (c) => c.text("x")) },
      { name: "all", routes: new Hono().all("/_panel", (c) => c.html("x")) },
      { name: "root", mountAtRoot: true, routes: new Hono().get("/_panel", (c) => c.html("x")) },
      { name: "tools", registerTools() {} },
    );
    const { panels, count } = (await (await browser("/ui/panels")).json()) as {
      panels: { name: string; title: string; version: string }[];
      count: number;
    };
    expect(count).toBe(3);
    expect(panels.map(({ name, title }) => [name, title])).toEqual([
      ["all", "all"],
      ["alpha", "alpha"],
      ["zeta", "The zeta"],
    ]);
    for (const { version } of panels) expect(Date.parse(version)).toBeGreaterThan(0);
    expect(await refusalOf(harness.fetch("/ui/panels"))).toEqual([
      401,
      "Unauthorized — no session",
      "unauthorized",
    ]);
  });

  test("names another version after each reload, also of the same content", async () => {
    const versionOf = async () => {
      const { panels } = (await (await browser("/ui/panels")).json()) as {
        panels: { name: string; version: string }[];
      };
      return panels.find(({ name }) => name === "gamma")?.version;
    };
    write("gamma", "<p>gamma</p>");
    await harness.ctx.loadModule("gamma");
    const before = await versionOf();
    await harness.ctx.registry.replace("gamma");
    expect(await versionOf()).not.toBe(before);
  });
});

function write(name: string, panel: string): void {
  const dir = join(harness.ctx.servicesDir, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, "index.ts"),
    `import { Hono } from "hono";
export default { name: "${name}", routes: new Hono()
  .get("/_panel", (c) => c.html(${JSON.stringify(panel)}))
  .get("/x", (c) => c.json({})) };`,
  );
}

describe("the document (spec §13.4)", () => {
  test("is the fragment with the theme and two names, behind walls that it puts up itself", async () => {
    const answer = await show("alpha");
    expect(answer.status).toBe(200);
    const text = await answer.text();
    const [, secret = ""] = /var PANEL_API = "\/ui\/p\/([A-Za-z0-9_-]{43})\/api";/.exec(text) ?? [];
    expect(secret).not.toBe("");
    expect(text).toContain('var PANEL_NAME = "alpha";');
    expect(text).toContain("<p>alpha</p>");
    for (const name of "bg bg-panel bg-card border text text-dim text-bright accent blue purple yellow red orange".split(
      " ",
    ))
      expect(text).toContain(`--${name}: #`);
    expect(answer.headers.get("content-security-policy")).toBe(
      `sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob: http://localhost/ui/p/${secret}/; connect-src http://localhost/ui/p/${secret}/; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; webrtc 'block'`,
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
  });

  test("names the server as the browser asked for it", async () => {
    const policy = (await show("alpha", { headers: { host: "reef.example:8080" } })).headers.get(
      "content-security-policy",
    );
    expect(policy).toMatch(/connect-src http:\/\/reef\.example:8080\/ui\/p\/[^/]+\/;/);
  });

  test("has the theme that is asked for, and no other text of the address", async () => {
    expect(await (await show("alpha?theme=light")).text()).toContain('<html lang="en" data-theme="light">');
    const hostile = await (await show("alpha?theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).text();
    expect(hostile).toContain('<html lang="en">');
    expect(hostile).not.toContain("alert(1)");
  });

  test("is shown in a frame, and to nobody without a session", async () => {
    for (const destination of ["document", "empty", "object", "embed", "image"])
      expect((await show("alpha", { headers: { "sec-fetch-dest": destination } })).status).toBe(403);
    expect((await show("alpha", { headers: { "sec-fetch-dest": "iframe" } })).status).toBe(200);
    expect((await harness.fetch("/ui/panel/alpha")).status).toBe(401);
  });

  test("is 404 for a service that has none, and for hostile names", async () => {
    for (const name of [
      "nobody",
      "ui",
      "reef",
      "..%2falpha",
      "%",
      "%00",
      "alpha%2f_panel",
      "__proto__",
      "constructor",
    ])
      expect((await show(name)).status).toBe(404);
  });

  test.each([
    [
      "another status",
      (c: { body(text: string, status: 503): Response }) => c.body("<b>x</b>", 503),
      "answered 503",
    ],
    ["no HTML", () => Response.json({ a: 1 }), "is no HTML, but application/json"],
    ["too much", () => html("x".repeat(BIG + 1)), "is longer than 1048576 bytes"],
    ["no end", () => html(endless()), "is longer than 1048576 bytes"],
    [
      "a failure in the middle",
      () => html(new ReadableStream({ start: (controller) => controller.error(new Error("<b>")) })),
      "could not be read",
    ],
    [
      "a failure",
      () => {
        throw new Error("<b>");
      },
      "answered 500",
    ],
  ] as const)("says readably what is wrong with a panel that is %s", async (_what, handler, reason) => {
    await open({ name: "alpha", routes: new Hono().get("/_panel", handler as never) });
    const answer = await show("alpha");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toStartWith("sandbox allow-scripts;");
    const text = await answer.text();
    expect(text).toContain(`<p role="alert">This panel cannot be shown: /alpha/_panel ${reason}`);
    expect(text.length).toBeLessThan(10_000);
  });

  test("takes a fragment of exactly 1 MiB, whatever its letters", async () => {
    await open(service("alpha", {}, "é".repeat(BIG / 2)));
    expect(await (await show("alpha")).text()).toContain("éé");
  });

  function html(body: string | ReadableStream): Response {
    return new Response(body, { headers: { "Content-Type": "text/html" } });
  }

  function endless(): ReadableStream<Uint8Array> {
    return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(120)) });
  }
});

describe("what a panel may call (spec §13.4)", () => {
  test.each(["GET", "POST", "PUT", "PATCH", "DELETE"])("%s on its own service, as itself", async (method) => {
    const answer = await harness.fetch(`${await apiOf("alpha")}/alpha/things/1?x=1`, { method });
    expect(await answer.json()).toEqual({
      service: "alpha",
      method,
      path: "/things/1",
      caller: { kind: "panel", panel: "alpha" },
    });
  });

  test("no cookie is read and none is needed; one that comes along changes nothing", async () => {
    const api = await apiOf("alpha");
    const { caller } = (await (await browser(`${api}/alpha/x`)).json()) as { caller: Caller };
    expect(caller).toEqual({ kind: "panel", panel: "alpha" });
  });

  test.each([
    "/beta/x",
    "/beta/_panel",
    "/reef/submit",
    "/reef/tree",
    "/services/reload",
    "/services",
    "/auth/magic-link",
    "/ui/session",
    "/installer/install",
    "/health",
    "/",
    "",
    "//alpha/x",
    "//reef/tree",
    "/alphabet/x",
    "/Alpha/x",
    "/alpha/..%2fbeta/x",
    "/alpha/%2e%2e/beta/x",
    "/alpha/../beta/x",
    "/alpha/../../../../../reef/tree",
    "/alpha/a%2Fb",
    "/alpha/a%5Cb",
    "/alpha%2fx",
    "/%61lpha/x",
  ])("%s is outside", async (path) => {
    const api = await apiOf("alpha");
    for (const method of ["GET", "POST"]) {
      const answer = await harness.fetch(api + path, { method });
      const text = await answer.text();
      expect([path, answer.status >= 400, text.includes('"service"')]).toEqual([path, true, false]);
      if (!path.includes("..") && !path.includes("%2e"))
        expect([answer.status, JSON.parse(text).error]).toEqual(OUTSIDE.slice(0, 2));
    }
  });

  test("of other services what its module names: all reads of one, or one route", async () => {
    await open(
      service("alpha", { panelUses: ["beta", "POST /gamma/events"] }),
      service("beta"),
      service("gamma"),
    );
    const api = await apiOf("alpha");
    const statusOf = async (method: string, path: string) =>
      (await harness.fetch(api + path, { method })).status;
    expect(await statusOf("GET", "/beta/anything?x=1")).toBe(200);
    expect(await statusOf("HEAD", "/beta/anything")).toBe(200);
    expect(await statusOf("POST", "/gamma/events")).toBe(200);
    expect(await statusOf("POST", "/gamma/events?x=1")).toBe(200);
    for (const [method, path] of [
      ["POST", "/beta/anything"],
      ["DELETE", "/beta/anything"],
      ["GET", "/gamma/events"],
      ["PUT", "/gamma/events"],
      ["POST", "/gamma/events/1"],
      ["POST", "/gamma"],
      ["GET", "/betaa"],
    ] as const)
      expect([method, path, await statusOf(method, path)]).toEqual([method, path, 403]);
  });

  test("a capability that was made up is expired", async () => {
    for (const secret of ["x", "A".repeat(43), "__proto__", "%", "%00"])
      expect(await refusalOf(harness.fetch(`/ui/p/${secret}/api/alpha/x`))).toEqual(EXPIRED);
    expect((await harness.fetch("/ui/p/x/other")).status).toBe(404);
  });

  test("every answer can be read by an opaque origin, refusals too; OPTIONS goes no further (CORS)", async () => {
    const api = await apiOf("alpha");
    for (const path of [`${api}/alpha/page`, `${api}/beta/x`, "/ui/p/expired/api/alpha/x"]) {
      const answer = await harness.fetch(path, { headers: { origin: "null" } });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toBe("X-Next-Cursor, ETag");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
    const preflight = await harness.fetch(`${api}/alpha/x`, {
      method: "OPTIONS",
      headers: { origin: "null" },
    });
    expect([preflight.status, await preflight.text()]).toEqual([204, ""]);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers":
        "accept, content-type, idempotency-key, if-match, if-none-match, last-event-id, lease-token, prefer, range",
      "access-control-max-age": "600",
    });
    expect(
      (await harness.fetch("/alpha/x", { auth: true })).headers.get("access-control-allow-origin"),
    ).toBeNull();
    expect((await browser("/ui/api/alpha/x")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("how long (spec §13.4)", () => {
  const isExpired = async (api: string, name = "alpha") =>
    expect(await refusalOf(harness.fetch(`${api}/${name}/x`))).toEqual(EXPIRED);

  test("until its session ends, and its streams with it", async () => {
    const other = await apiOf("alpha", await harness.signIn());
    const api = await apiOf("alpha");
    cancelled = Promise.withResolvers();
    const stream = await harness.fetch(`${api}/alpha/stream`);
    streaming.enqueue(new TextEncoder().encode("data: 1\n\n"));
    await browser("/ui/logout", { method: "POST" });
    await cancelled.promise;
    expect(["", "data: 1\n\n"]).toContain(await stream.text());
    await isExpired(api);
    expect((await harness.fetch(`${other}/alpha/x`)).status).toBe(200);
    await (await harness.signIn())("/ui/logout?all=true", { method: "POST" });
    await isExpired(other);
  });

  test("until its service is reloaded or unloaded, and no other's", async () => {
    write("gamma", "<p>one</p>");
    await harness.ctx.loadModule("gamma");
    const [gamma, alpha] = [await apiOf("gamma"), await apiOf("alpha")];
    expect((await harness.fetch(`${gamma}/gamma/x`)).status).toBe(200);
    write("gamma", "<p>two</p>");
    await harness.ctx.loadModule("gamma");
    await isExpired(gamma, "gamma");
    const fresh = await apiOf("gamma");
    expect((await harness.fetch(`${fresh}/gamma/x`)).status).toBe(200);
    await harness.ctx.unloadModule("gamma");
    await isExpired(fresh, "gamma");
    expect((await harness.fetch(`${alpha}/alpha/x`)).status).toBe(200);
  });

  test("of more than 200 of one session the oldest end", async () => {
    const first = await apiOf("alpha");
    const second = await apiOf("beta");
    for (let count = 0; count < 199; count++) await apiOf("alpha");
    await isExpired(first);
    expect((await harness.fetch(`${second}/beta/x`)).status).toBe(200);
  });

  test("nothing of a capability reaches the tree or the log (spec §13.4)", async () => {
    const heard: unknown[] = [];
    harness.events.on("reef:event", (event) => void heard.push(event));
    const written: unknown[] = [];
    const { log, warn, error } = console;
    Object.assign(console, { log: keep, warn: keep, error: keep });
    try {
      const api = await apiOf("alpha");
      await harness.fetch(`${api}/alpha/x`);
      await harness.fetch(`${api}/beta/x`);
      expect(JSON.stringify([heard, written])).not.toContain(api.split("/")[3] ?? "");
    } finally {
      Object.assign(console, { log, warn, error });
    }
    function keep(...parts: unknown[]): void {
      written.push(parts.map(String));
    }
  });
});

test("a service that comes, changes or goes is told to whoever watches (spec §14)", async () => {
  const frames: unknown[] = [];
  harness.events.on("reef:frame", (frame) => void frames.push(frame));
  write("gamma", "<p>one</p>");
  await harness.ctx.loadModule("gamma");
  await harness.ctx.registry.replace("gamma");
  await harness.ctx.unloadModule("gamma");
  expect(frames).toEqual(Array(3).fill({ type: "ui_services_changed", name: "gamma" }));
});
