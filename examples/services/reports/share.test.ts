// Share links: made, opened by visitors without a token, counted, revoked, expired, and gone with their report.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import reports from "./index.js";

let harness: TestHarness;
let id: string;
beforeEach(async () => {
  harness = await createTestHarness({ services: [reports] });
  const body = {
    title: "Why",
    author: "ada",
    content: "# Findings\n\nIt was *never* filled.",
    tags: ["cache"],
  };
  id = (await ask("", { body })).data.id;
});
afterEach(() => harness.cleanup());

const ask = (path = "", options: RequestOptions = {}) =>
  harness.json(`/reports${path}`, { auth: true, ...options });
const share = async (
  body: unknown = "",
  headers: Record<string, string> = {},
): Promise<{ linkId: string; url: string }> =>
  (await ask(`/${id}/share`, { method: "POST", body, headers })).data;
const visit = async (linkId: string, options: RequestOptions = {}) => {
  const response = await harness.fetch(`/reports/share/${linkId}`, options);
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  };
};
const links = async () => (await ask(`/${id}/shares`)).data.links;
const log = async (linkId: string) => (await ask(`/share/${linkId}/access`)).data.log;
const PAST = "2020-01-01T00:00:00Z";

describe("POST /reports/:id/share (spec §8)", () => {
  test("answers with the link's id and its address, and nothing else", async () => {
    const { status, data } = await ask(`/${id}/share`, { method: "POST" });
    expect(status).toBe(201);
    expect(data).toEqual({ linkId: data.linkId, url: `http://localhost/reports/share/${data.linkId}` });
    expect(data.linkId).toMatch(/^[\w-]{22}$/);
    expect(
      new Set([data.linkId, ...(await Promise.all([share(), share({})])).map(({ linkId }) => linkId)]).size,
    ).toBe(3);
  });

  test("keeps who made it, for whom, and until when", async () => {
    const before = Date.now();
    await share();
    await share({ createdBy: " ada ", label: " for Bob ", expiresAt: "2030-01-01T01:00+01:00" });
    await share({ expiresIn: 3_600, label: " " });
    await share({ expiresIn: 3_600, expiresAt: PAST });
    const [both, seconds, time, plain] = await links();
    expect(Object.keys(plain)).toEqual([
      "linkId",
      "reportId",
      "createdAt",
      "createdBy",
      "expiresAt",
      "label",
      "revoked",
      "accessCount",
    ]);
    expect(plain).toMatchObject({
      reportId: id,
      createdBy: "admin",
      expiresAt: null,
      label: null,
      revoked: 0,
      accessCount: 0,
    });
    expect(time).toMatchObject({ createdBy: "ada", label: "for Bob", expiresAt: "2030-01-01T00:00:00.000Z" });
    expect(seconds.label).toBeNull();
    expect(Date.parse(seconds.expiresAt) - before).toBeGreaterThanOrEqual(3_600_000);
    expect(Date.parse(seconds.expiresAt)).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(both.expiresAt).toBe("2020-01-01T00:00:00.000Z");
  });

  test.each([
    [{ expiresAt: "tomorrow" }, "expiresAt must be a time"],
    [{ expiresAt: 5 }, "expiresAt must be a time"],
    [{ createdBy: 5, expiresAt: "x" }, "createdBy must be a string"],
    [{ label: {} }, "label must be a string"],
    [{ label: "x".repeat(201) }, "label is longer than 200 characters"],
    [{ createdBy: "x".repeat(201) }, "createdBy is longer than 200 characters"],
    [{ expiresIn: 0 }, "expiresIn must be a whole number from 1 to 315360000"],
    [{ expiresIn: 315_360_001 }, "expiresIn must be a whole number from 1 to 315360000"],
    [{ expiresIn: "5" }, "expiresIn must be a number"],
    ["[]", "Invalid JSON body"],
  ])("refuses %.50j", async (body, error) => {
    const answer = await ask(`/${id}/share`, { method: "POST", body });
    expect(answer).toMatchObject({ status: 400, data: { error, code: "bad_request" } });
    expect(await links()).toEqual([]);
  });

  test("spells the address as the caller reaches the server (spec §1.11)", async () => {
    const { url, linkId } = await share("", { Host: "x.vm.vers.sh", "X-Forwarded-Host": "evil.example" });
    expect(url).toBe(`https://x.vm.vers.sh/reports/share/${linkId}`);
  });

  test("is told without the link's id, on the bus and to the tree (spec §8)", async () => {
    const told: unknown[] = [];
    for (const event of ["reports:shared", "reports:revoked", "reef:event"])
      harness.events.on(event, (data) => told.push(data));
    const { linkId } = await share({ createdBy: "ada", label: "Bob" });
    await ask(`/share/${linkId}`, { method: "DELETE" });
    expect(told).toEqual([
      { reportId: id, createdBy: "ada", label: "Bob" },
      { type: "reports_shared", source: "reports", content: "Why (ada, Bob)", reportId: id },
      { reportId: id },
      { type: "reports_revoked", source: "reports", content: "Why", reportId: id },
    ]);
    await visit(linkId);
    expect(told).toHaveLength(4);
  });
});

describe("GET /reports/share/:linkId (spec §8)", () => {
  test("shows the report to everybody, under a policy that allows no script", async () => {
    const { linkId, url } = await share();
    const { status, headers, text } = await visit(linkId);
    expect([status, headers["content-type"]?.toLowerCase()]).toEqual([200, "text/html; charset=utf-8"]);
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
    expect(headers).toMatchObject({
      "content-security-policy": `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox`,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex",
      "cache-control": "no-store",
    });
    expect(text).toContain('class="report-viewer"');
    for (const shown of ["<title>Why</title>", "<bdi>ada</bdi>", "<bdi>cache</bdi>", "<em>never</em>"])
      expect(text).toContain(shown);
    for (const [name, value] of [
      ["og:title", "Why"],
      ["og:description", "Findings It was never filled."],
      ["og:url", url],
      ["og:image", `${url}/og-image.svg`],
    ])
      expect(text).toContain(`<meta property="${name}" content="${value}">`);
    expect(text).toContain(`<meta name="twitter:image" content="${url}/og-image.svg">`);
    expect(text).not.toContain("<script");
  });

  test("shows no id but the link's, and not who shared it with whom", async () => {
    const { linkId } = await share({ createdBy: "secret-agent", label: "secret-label" });
    await visit(linkId);
    const image = await visit(`${linkId}/og-image.svg`);
    for (const { text } of [await visit(linkId), image])
      for (const secret of [id, "secret-agent", "secret-label"]) expect(text).not.toContain(secret);
  });

  test("escapes every value for its place (spec §17.10)", async () => {
    const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\u0001\u202e]]>`;
    const body = { title: hostile, author: hostile, content: hostile, tags: [hostile] };
    id = (await ask("", { body })).data.id;
    const { linkId } = await share();
    const { text } = await visit(linkId);
    expect(text).not.toMatch(/<script|<img|&amp;amp;amp;/);
    expect(text).toContain('content="&quot;&#39;&gt;&lt;script&gt;');
    expect(text.match(/&lt;script&gt;alert\(1\)&lt;\/script&gt;/g)?.length).toBe(11);
    const image = (await visit(`${linkId}/og-image.svg`)).text;
    expect(image).not.toMatch(/<script|<img|"'>/);
    expect(image).not.toContain("\u0001");
    expect(image).toContain("&lt;script&gt;");
  });

  test("has one answer, to the byte, for a link that leads nowhere, whyever", async () => {
    const [revoked, expired, deleted] = [await share(), await share({ expiresAt: PAST }), await share()];
    await ask(`/share/${revoked.linkId}`, { method: "DELETE" });
    const dead = [await visit(revoked.linkId), await visit(expired.linkId)];
    await ask(`/${id}`, { method: "DELETE" });
    for (const linkId of [deleted.linkId, "x", "shares", "html", "_panel", "%00", "A".repeat(4_000)])
      dead.push(await visit(linkId));
    const [first] = dead;
    expect(new Set(dead.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(first?.status).toBe(404);
    expect(first?.headers["cache-control"]).toBe("no-store");
    for (const words of [
      "This share link is invalid, expired, or has been revoked.",
      "The report associated with this share link no longer exists.",
    ])
      expect(first?.text).toContain(words);
  });

  test("shows a changed report as it is now", async () => {
    const { linkId } = await share();
    await visit(linkId);
    await ask(`/${id}`, { method: "PATCH", body: { content: "**new**" } });
    expect((await visit(linkId)).text).toContain("<strong>new</strong>");
  });

  test("ignores a bad token, and takes a good one for nothing better", async () => {
    const { linkId } = await share();
    for (const auth of ["wrong", true]) expect((await visit(linkId, { auth })).status).toBe(200);
    expect((await visit("x", { auth: true })).status).toBe(404);
  });

  test("is the only thing that is open", async () => {
    const { linkId } = await share();
    for (const [method, path] of [
      ["DELETE", linkId],
      ["POST", linkId],
      ["GET", `${linkId}/access`],
      ["GET", `${linkId}/og-image.svg/x`],
    ])
      expect((await visit(path ?? "", { method })).status).toBe(401);
    expect(await links()).toMatchObject([{ revoked: 0 }]);
  });
});

describe("GET /reports/share/:linkId/og-image.svg (spec §8)", () => {
  test("is a picture of 1200 by 630 that may be kept for 5 minutes", async () => {
    const { linkId } = await share();
    const { status, headers, text } = await visit(`${linkId}/og-image.svg`);
    expect(status).toBe(200);
    expect(headers["content-type"]).toStartWith("image/svg+xml");
    expect(headers["cache-control"]).toBe("max-age=300");
    expect(text).toContain('width="1200" height="630"');
    expect(text).toMatch(/>Why<[\s\S]*>ada · \d{4}-\d\d-\d\d</);
  });

  test("breaks a long title into lines, and says that it goes on", async () => {
    const title = `${"word ".repeat(20)}${"日本語".repeat(60)}`;
    await ask(`/${id}`, { method: "PATCH", body: { title } });
    const { text } = await visit(`${(await share()).linkId}/og-image.svg`);
    const lines = Array.from(text.matchAll(/font-size="56"[^>]*>([^<]*)</g), ([, line = ""]) => line);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe("word word word word word word");
    expect(lines[3]).toMatch(/^[日本語 word]+…$/);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(32);
  });

  test("is not there for a link that leads nowhere", async () => {
    const { linkId } = await share({ expiresAt: PAST });
    for (const one of [linkId, "x"])
      expect(await ask(`/share/${one}/og-image.svg`, { auth: false })).toMatchObject({
        status: 404,
        data: { error: "Not found", code: "not_found" },
      });
  });
});

describe("the access log (spec §8)", () => {
  test("has one entry for each page that was shown", async () => {
    const { linkId } = await share();
    await visit(linkId, { headers: { "User-Agent": "Browser 1", Referer: "https://a.example/" } });
    await visit(linkId);
    const [second, first] = await log(linkId);
    expect(Object.keys(first)).toEqual([
      "id",
      "linkId",
      "reportId",
      "timestamp",
      "ip",
      "userAgent",
      "referrer",
    ]);
    expect(first).toMatchObject({
      linkId,
      reportId: id,
      ip: null,
      userAgent: "Browser 1",
      referrer: "https://a.example/",
    });
    expect(second).toMatchObject({ userAgent: null, referrer: null });
    expect(second.id > first.id).toBe(true);
    expect(await links()).toMatchObject([{ accessCount: 2 }]);
  });

  test("notes where visitors come from, behind a trusted proxy too (spec §1.11)", async () => {
    const { linkId } = await share();
    const from = async (address: string, headers: Record<string, string> = {}) => {
      const as = { kind: "anonymous" as const, address };
      await (await harness.ctx.fetch(`/reports/share/${linkId}`, { as, headers })).text();
      return (await log(linkId))[0].ip;
    };
    expect(await from("203.0.113.7")).toBe("203.0.113.7");
    expect(await from("127.0.0.1", { "X-Forwarded-For": "198.51.100.9" })).toBe("198.51.100.9");
    expect(await from("203.0.113.7", { "X-Forwarded-For": "198.51.100.9" })).toBe("203.0.113.7");
  });

  test("does not count HEAD, prefetches, pictures and views that failed", async () => {
    const { linkId } = await share();
    const head = await visit(linkId, { method: "HEAD" });
    expect([head.status, head.text, head.headers["x-robots-tag"]]).toEqual([200, "", "noindex"]);
    for (const [name, value] of [
      ["Sec-Purpose", "prefetch;prerender"],
      ["Purpose", "prefetch"],
    ] as const)
      expect((await visit(linkId, { headers: { [name]: value } })).status).toBe(200);
    await visit(`${linkId}/og-image.svg`);
    await ask(`/share/${linkId}`, { method: "DELETE" });
    expect((await visit(linkId)).status).toBe(404);
    expect((await visit(linkId, { method: "HEAD" })).status).toBe(404);
    expect([await log(linkId), await links()]).toMatchObject([[], [{ accessCount: 0, revoked: 1 }]]);
  });

  test("cuts what visitors send", async () => {
    const { linkId } = await share();
    const long = "x".repeat(3_000);
    await visit(linkId, { headers: { "User-Agent": long, Referer: long } });
    expect(await log(linkId)).toMatchObject([{ userAgent: "x".repeat(500), referrer: "x".repeat(500) }]);
  });

  test("is read in pages, newest first", async () => {
    const { linkId } = await share();
    for (const agent of ["1", "2", "3"]) await visit(linkId, { headers: { "User-Agent": agent } });
    const first = (await ask(`/share/${linkId}/access?limit=2&total=true`)).data;
    expect(first).toMatchObject({ count: 2, total: 3, log: [{ userAgent: "3" }, { userAgent: "2" }] });
    const rest = (await ask(`/share/${linkId}/access?cursor=${first.cursor}`)).data;
    expect(rest).toMatchObject({ count: 1, cursor: null, log: [{ userAgent: "1" }] });
    expect((await ask(`/share/${linkId}/access?cursor=x`)).data.error).toBe("invalid cursor");
  });
});

describe("DELETE /reports/share/:linkId (spec §8)", () => {
  test("revokes a link, once", async () => {
    const { linkId } = await share();
    const revoke = () => ask(`/share/${linkId}`, { method: "DELETE" });
    expect(await revoke()).toMatchObject({ status: 200, data: { revoked: true } });
    expect(await revoke()).toMatchObject({
      status: 400,
      data: { error: "link already revoked", code: "bad_request" },
    });
    expect(await links()).toMatchObject([{ linkId, revoked: 1 }]);
  });

  test.each(["x", "__proto__", "%00"])("%s is not found, and neither is its log", async (linkId) => {
    for (const [method, path] of [
      ["DELETE", `/share/${linkId}`],
      ["GET", `/share/${linkId}/access`],
    ])
      expect(await ask(path, { method })).toMatchObject({
        status: 404,
        data: { error: "share link not found", code: "not_found" },
      });
  });

  test("at the same time as a view leaves the view counted if, and only if, it showed the page", async () => {
    const { linkId } = await share();
    const page = visit(linkId);
    const [{ status }, revoked] = await Promise.all([page, ask(`/share/${linkId}`, { method: "DELETE" })]);
    expect(revoked.status).toBe(200);
    expect(await links()).toMatchObject([{ accessCount: status === 200 ? 1 : 0 }]);
  });
});

test("with a report go its links and what is known of them (spec §8)", async () => {
  const { linkId } = await share();
  await visit(linkId);
  await ask(`/${id}`, { method: "DELETE" });
  for (const [method, path] of [
    ["GET", `/share/${linkId}/access`],
    ["DELETE", `/share/${linkId}`],
  ])
    expect((await ask(path, { method })).data.error).toBe("share link not found");
  expect((await ask(`/${id}/shares`)).status).toBe(404);
});
