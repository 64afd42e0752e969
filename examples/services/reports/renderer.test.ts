// Rendering in processes of their own: what it gives, what it does not wait for, and what it remembers.
import { afterEach, describe, expect, test } from "bun:test";
import { renderMarkdown, renderPlain } from "./markdown.js";
import { createRenderer, type RendererOptions } from "./renderer.js";
import { createSlots } from "./slots.js";

/** A parser of Markdown takes minutes for it. */
const SLOW = "*a _".repeat(50_000);
/** Generous: other tests run beside this one. */
const SOON_MS = 30_000;

const controllers: AbortController[] = [];
afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort();
});

function open(options: Partial<RendererOptions> = {}) {
  const controller = new AbortController();
  controllers.push(controller);
  const renderer = createRenderer({ signal: controller.signal, renderMs: SOON_MS, ...options });
  const render = (content: string, id = "one", updatedAt = "now") =>
    renderer.render({ id, updatedAt, content });
  return { controller, render };
}

describe("a report (spec §8)", () => {
  test("is rendered as the renderer of this process would", async () => {
    const source = '# Ünï 😀\0\n\n<b>"x"</b> [a](https://b.example)\n';
    expect(await open().render(source)).toEqual(renderMarkdown(source));
  });

  test("of hundreds of pages is rendered", async () => {
    const { html } = await open().render("Lorem *ipsum* dolor sit amet.\n\n".repeat(10_000));
    expect(html.split("<p>").length - 1).toBe(10_000);
  });

  test("that renders slowly is shown as it is written, and meanwhile others are served", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const { render } = open({ renderMs: 500 });
    expect(await render(SLOW)).toEqual(renderPlain(SLOW));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(20);
  });

  test.each([
    ["nests too deep", "> ".repeat(1_000_000)],
    ["nests too deep in another way", "- > 1. ".repeat(200_000)],
    [
      "has a table with too many cells",
      `${"|a".repeat(9_000)}\n${"|-".repeat(9_000)}\n${"|\n".repeat(9_000)}`,
    ],
  ])("that %s is shown as it is written", async (_what, source) => {
    expect(await open().render(source)).toEqual(renderPlain(source));
  });
});

describe("what was rendered", () => {
  test("is kept until the report changes, what was slow too", async () => {
    const { controller, render } = open({ renderMs: 500 });
    const [first, slow] = [await render("*a*"), await render(SLOW, "slow")];
    controller.abort();
    // No process is started any more.
    expect(await render("*a*")).toBe(first);
    expect(await render(SLOW, "slow")).toBe(slow);
    expect(await render("*b*", "one", "later")).toEqual(renderPlain("*b*"));
  });

  test("goes when there is too much of it, what was asked for longest ago first", async () => {
    const { controller, render } = open({ keptCharsMax: 50 });
    const first = await render("1".repeat(10), "1");
    await render("2".repeat(10), "2");
    expect(await render("1".repeat(10), "1")).toBe(first);
    await render("3".repeat(10), "3");
    controller.abort();
    expect(await render("1".repeat(10), "1")).toBe(first);
    expect((await render("2".repeat(10), "2")).html).toContain("<pre");
  });

  test("at the same time for many is rendered once", async () => {
    const { render } = open();
    const all = await Promise.all(Array.from({ length: 50 }, () => render("*a*")));
    expect(new Set(all).size).toBe(1);
  });
});

test("slow reports delay another one by no more than the limit, and it is rendered later (spec §8)", async () => {
  const { render } = open({ renderMs: 3_000, waitMs: 20 });
  let areOver = false;
  const slow = Promise.all(["1", "2"].map((id) => render(SLOW, id))).finally(() => {
    areOver = true;
  });
  expect([await render("*a*"), areOver]).toEqual([renderPlain("*a*"), false]);
  await slow;
  expect((await render("*a*")).html).toMatch(/^<p><em>a<\/em>/);
});

describe("slots", () => {
  test("are given in the order in which they were asked for", async () => {
    const slots = createSlots(1);
    const got: number[] = [];
    expect(await slots.take(0)).toBe(true);
    const waiting = [1, 2].map(async (n) => {
      expect(await slots.take(SOON_MS)).toBe(true);
      got.push(n);
      slots.give();
    });
    slots.give();
    await Promise.all(waiting);
    expect(got).toEqual([1, 2]);
    expect(await slots.take(0)).toBe(true);
  });

  test("that nobody waits for any more are free", async () => {
    const slots = createSlots(1);
    await slots.take(0);
    expect(await slots.take(1)).toBe(false);
    slots.give();
    expect(await slots.take(0)).toBe(true);
  });
});
