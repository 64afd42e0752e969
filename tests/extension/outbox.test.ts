// Reports on their way to the server: in order, kept while it is away, bounded, and never in the agent's way.
import { afterEach, expect, test } from "bun:test";
import { createOutbox, type Outbox, type Report } from "../../src/extension/outbox.js";
import { fitting } from "../../src/extension/payload.js";

const outboxes: Outbox[] = [];
afterEach(async () => {
  await Promise.all(outboxes.splice(0).map((outbox) => outbox.close()));
});

const RETRY_MS = 10;

function outboxTo(post: (events: Report[]) => Promise<unknown>): Outbox {
  const outbox = createOutbox(post, RETRY_MS);
  outboxes.push(outbox);
  return outbox;
}

const refusal = (status: number) => Object.assign(new Error("refused"), { status });

test("keeps the newest thousand in order while the server is away, and sends them when it is back", async () => {
  let isAway = true;
  const names: string[] = [];
  const all = new Promise<void>((done) => {
    const outbox = outboxTo(async (events) => {
      if (isAway) throw new TypeError("fetch failed");
      names.push(...events.map((event) => event.name));
      if (names.length === 1_000) done();
    });
    for (let n = 0; n < 1_200; n++) outbox.add(String(n), {});
    isAway = false;
  });
  await all;
  expect(names).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n + 200)));
});

test("what the server refuses is dropped; what it could not take is sent again", async () => {
  const answers = [400, 503, 200];
  const sent: string[] = [];
  const last = new Promise<void>((done) => {
    const outbox = outboxTo(async ([event]) => {
      const status = answers.shift() ?? 200;
      sent.push(`${event?.name} ${status}`);
      if (status !== 200) throw refusal(status);
      done();
    });
    outbox.add("first", {});
    setTimeout(() => outbox.add("second", {}), RETRY_MS);
  });
  await last;
  expect(sent).toEqual(["first 400", "second 503", "second 200"]);
});

test("closing sends what is waiting, and waits for a silent server no longer than a second", async () => {
  const names: string[] = [];
  const outbox = outboxTo(async (events) => void names.push(...events.map((event) => event.name)));
  outbox.add("a", {});
  outbox.add("b", {});
  await outbox.close();
  outbox.add("too late", {});
  expect(names).toEqual(["a", "b"]);

  const silent = outboxTo(() => new Promise(() => {}));
  silent.add("a", {});
  const began = Date.now();
  await silent.close();
  expect(Date.now() - began).toBeLessThan(3_000);
});

test("payloads are reported whole when small, cut when large, and never stop the agent", () => {
  expect(fitting({ type: "x", n: 1 })).toEqual({ type: "x", n: 1 });
  const large = {
    type: "agent_end",
    messages: Array.from({ length: 100 }, (_, n) => ({ n, text: "y".repeat(50_000) })),
  };
  const cut = fitting(large) as { type: string; messages: { n: number; text: string }[] };
  expect(cut.type).toBe("agent_end");
  expect(cut.messages.at(-1)).toEqual({ n: 99, text: `${"y".repeat(1_000)}…` });
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(fitting(circle)).toEqual({ dropped: true });
});
