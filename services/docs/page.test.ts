// The page as it is sent: what it says, what it may load, and that texts of modules stay texts.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule } from "#core/types.js";
import docs from "./index.js";

const ATTACK = `<img src=x onerror=alert(1)><script>alert(1)</script>"'\`</title></details>&lt;`;
const param = { type: ATTACK, required: true, description: ATTACK };
const hostile: ServiceModule = {
  name: "hostile",
  description: ATTACK,
  capabilities: [ATTACK],
  routes: new Hono()
    .get('/:id{"><script>alert(1)}', (c) => c.text(""))
    .get('/"onclick="alert(1)"/<b>', (c) => c.text(""))
    .on("<B>", "/x", (c) => c.text("")),
  routeDocs: {
    'GET /:id{"><script>alert(1)}': {
      summary: ATTACK,
      detail: ATTACK,
      params: { id: param, [ATTACK]: param },
      query: { [ATTACK]: param },
      body: { [ATTACK]: param },
      response: ATTACK,
    },
  },
};
const plain: ServiceModule = {
  name: "plain",
  description: "Keeps notes",
  requiresAuth: false,
  routes: new Hono().get("/:id?", (c) => c.text("")).post("/*", (c) => c.text("")),
  routeDocs: { "GET /:id?": { summary: "Read a note", response: "{ text }" } },
};

let harness: TestHarness;
let answer: Response;
let page: string;
beforeAll(async () => {
  harness = await createTestHarness({ services: [plain, hostile, docs] });
  answer = await harness.fetch("/docs/ui");
  page = await answer.text();
});
afterAll(() => harness.cleanup());

describe("the page", () => {
  test("is HTML that needs no token and has all services and routes (spec §8)", () => {
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    for (const said of [
      "Keeps notes",
      "Read a note",
      "{ text }",
      'data-path="/plain/:id?"',
      'data-path="/plain/*"',
    ]) {
      expect(page).toContain(said);
    }
    expect(page.match(/<h2 id="-[a-z]+">/g)).toEqual([
      '<h2 id="-docs">',
      '<h2 id="-hostile">',
      '<h2 id="-plain">',
    ]);
  });

  test("has the dashboard's policy, and nothing inline that it would need more for (spec §8, fleet §13.2)", () => {
    expect(answer.headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("referrer-policy")).toBe("same-origin");
    expect(answer.headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(answer.headers.get("permissions-policy")).toMatch(/^([a-z-]+=\(\), )+[a-z-]+=\(\)$/);
    expect(page).not.toMatch(/<style|<script(?! type="module" src="\/docs\/ui\/page-[0-9a-f]{12}\.js">)/);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  test("holds every text of a module as text (spec §8)", async () => {
    const tags = new Map<string, number>();
    const texts: string[] = [];
    const values: string[] = [];
    const scripting: string[] = [];
    await new HTMLRewriter()
      .on("*", {
        element({ tagName, attributes }) {
          tags.set(tagName, (tags.get(tagName) ?? 0) + 1);
          for (const [name, value] of attributes) {
            if (/^(style$|on)/.test(name)) scripting.push(name);
            if (name.startsWith("data-")) values.push(value);
          }
        },
        text: ({ text }) => void texts.push(text),
      })
      .transform(new Response(page))
      .text();
    const ofPage = { script: 1, title: 1, b: 1, img: 0 };
    for (const [tag, count] of Object.entries(ofPage))
      expect([tag, tags.get(tag) ?? 0]).toEqual([tag, count]);
    expect(scripting).toEqual([]);
    const escaped = ATTACK.replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;");
    // Description, summary, detail, answer; type and meaning of three parameters, and the names of two.
    expect(texts.join("").split(escaped).length - 1).toBe(4 + 6 + 2);
    expect(values.filter((value) => value.includes("<") && !value.includes("&lt;"))).toEqual([]);
  });

  test("has no two elements with one id", () => {
    const ids = Array.from(page.matchAll(/ id="([^"]*)"/g), ([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("plain_get_plain_id");
  });
});

describe("the files of the page", () => {
  test("are those that it names, and may be kept for ever", async () => {
    const files = Array.from(page.matchAll(/"(\/docs\/ui\/page-[^"]+)"/g), ([, path = ""]) => path);
    const answers = await Promise.all(files.map((path) => harness.fetch(path)));
    expect(answers.map(({ status, headers }) => [status, headers.get("content-type")])).toEqual([
      [200, "text/css; charset=utf-8"],
      [200, "text/javascript; charset=utf-8"],
    ]);
    for (const { headers } of answers) {
      expect(headers.get("cache-control")).toContain("immutable");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("ask nobody else: no address of another host is in them", async () => {
    for (const [path] of page.matchAll(/\/docs\/ui\/page-[^"]+/g)) {
      const text = await (await harness.fetch(path)).text();
      expect(text.length).toBeGreaterThan(1000);
      expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
  });
});
