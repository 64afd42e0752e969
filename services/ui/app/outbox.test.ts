// What one writes is never lost and never sent twice: drafts, and prompts on their way.
import { describe, expect, test } from "bun:test";
import { ApiError } from "./api.js";
import { Drafts } from "./drafts.js";
import { type Kept, keptIn } from "./kept.js";
import { Outbox, type Outgoing } from "./outbox.js";

function memory(limit = Number.POSITIVE_INFINITY) {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem(key: string, value: string) {
      if (value.length > limit) throw new DOMException("full", "QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key: string) => void values.delete(key),
    key: (at: number) => [...values.keys()][at] ?? null,
    get length() {
      return values.size;
    },
  };
}

function outbox(kept: Kept, answers: (() => Promise<{ nodeId: string; seq: number }>)[]) {
  const asked: Outgoing[] = [];
  const sent: string[] = [];
  const refused: string[] = [];
  let now = 1_000_000;
  const box = new Outbox({
    kept,
    send(one) {
      asked.push(one);
      return (answers.shift() ?? (async () => ({ nodeId: "n", seq: 1 })))();
    },
    sent: async ({ text }) => void sent.push(text),
    refused: ({ text }, message) => void refused.push(`${text}: ${message}`),
    now: () => now,
  });
  return { box, asked, sent, refused, pass: (ms: number) => (now += ms) };
}

const unreachable = async () => {
  throw new TypeError("Failed to fetch");
};
const refuses = (status: number, message: string) => async () => {
  throw new ApiError(status, message);
};

describe("a prompt on its way (spec §14)", () => {
  test("is shown until its node is, and then no more", async () => {
    const gate = Promise.withResolvers<{ nodeId: string; seq: number }>();
    const kept = keptIn(memory());
    const { box, sent } = outbox(kept, [() => gate.promise]);
    const done = box.add({ text: "hello", parentId: "p" });
    expect(box.entries.value).toMatchObject([{ text: "hello", parentId: "p" }]);
    expect(kept.get("outbox")).toContain("hello");
    gate.resolve({ nodeId: "n", seq: 7 });
    await done;
    expect([box.entries.value, sent, kept.get("outbox")]).toEqual([[], ["hello"], undefined]);
  });

  test("waits when there is no server, and is sent later with the same key", async () => {
    const { box, asked, sent } = outbox(keptIn(memory()), [
      unreachable,
      refuses(503, "busy"),
      refuses(401, "no"),
    ]);
    await box.add({ text: "hello" });
    expect(box.waiting.value).toEqual(new Set([asked[0]?.key ?? ""]));
    await box.flush();
    await box.flush();
    expect(sent).toEqual([]);
    await box.flush();
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    expect(asked[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect([sent, box.entries.value, box.waiting.value.size]).toEqual([["hello"], [], 0]);
  });

  test("survives a reload of the page", async () => {
    const storage = memory();
    const before = outbox(keptIn(storage), [unreachable]);
    await before.box.add({ text: "hello", taskId: "t" });
    const after = outbox(keptIn(storage), []);
    expect(after.box.waiting.value.size).toBe(1);
    await after.box.flush();
    expect(after.asked).toEqual(before.asked);
    expect(after.sent).toEqual(["hello"]);
  });

  test("that the server refuses goes back to who wrote it", async () => {
    const { box, refused } = outbox(keptIn(memory()), [refuses(409, "Task 't' is running")]);
    await box.add({ text: "hello" });
    expect([refused, box.entries.value]).toEqual([["hello: Task 't' is running"], []]);
  });

  test("goes back too after a day, when its key may be forgotten", async () => {
    const { box, refused, pass, asked } = outbox(keptIn(memory()), [unreachable]);
    await box.add({ text: "hello" });
    pass(24 * 3_600_000);
    await box.flush();
    expect([asked.length, refused]).toEqual([1, ["hello: it waited for longer than a day"]]);
  });

  test("is not sent twice at the same time", async () => {
    const gate = Promise.withResolvers<{ nodeId: string; seq: number }>();
    const { box, asked } = outbox(keptIn(memory()), [() => gate.promise]);
    const done = box.add({ text: "hello" });
    await box.flush();
    expect(asked.length).toBe(1);
    gate.resolve({ nodeId: "n", seq: 1 });
    await done;
  });

  test("what is kept in another form is passed over", () => {
    for (const text of ["{", "7", "null", '[{"key":1}]', '[null, {"key":"k","text":"t"}]']) {
      const storage = memory();
      storage.values.set("reef:outbox", text);
      expect(outbox(keptIn(storage), []).box.entries.value).toEqual([]);
    }
  });
});

describe("a draft (spec §14)", () => {
  test("is kept for each place, over reloads, until it is empty", () => {
    const storage = memory();
    const drafts = new Drafts(keptIn(storage));
    drafts.write("a", "under a");
    drafts.write(undefined, "new task");
    const again = new Drafts(keptIn(storage));
    expect([again.read("a"), again.read(undefined), again.read("b")]).toEqual(["under a", "new task", ""]);
    again.write("a", "");
    expect(new Drafts(keptIn(storage)).read("a")).toBe("");
    expect(storage.values.size).toBe(1);
  });

  test("is carried to where one would go on, unless something is written there", () => {
    const drafts = new Drafts(keptIn(memory()));
    drafts.write("a", "written meanwhile");
    drafts.carry("a", "b");
    expect([drafts.read("a"), drafts.read("b")]).toEqual(["", "written meanwhile"]);
    drafts.write("c", "there before");
    drafts.carry("b", "c");
    drafts.carry("nothing", "b");
    expect([drafts.read("b"), drafts.read("c")]).toEqual(["written meanwhile", "there before"]);
  });

  test("of more than 200 the oldest is forgotten, and nothing else that is kept", () => {
    const storage = memory();
    const kept = keptIn(storage);
    kept.set("theme", "dark");
    let now = 0;
    const drafts = new Drafts(kept, () => ++now);
    for (let at = 0; at <= 200; at++) drafts.write(`n${at}`, "text");
    expect([drafts.read("n0"), drafts.read("n1"), drafts.read("n200")]).toEqual(["", "text", "text"]);
    expect(kept.get("theme")).toBe("dark");
  });

  test("that the browser will not keep lasts as long as the page", () => {
    for (const storage of [undefined, memory(10)]) {
      const kept = keptIn(storage);
      const drafts = new Drafts(kept);
      drafts.write("a", "a text that is too long");
      expect(drafts.read("a")).toBe("a text that is too long");
      drafts.write("a", "");
      expect([drafts.read("a"), kept.names()]).toEqual(["", []]);
    }
  });

  test("in another form is none", () => {
    const storage = memory();
    for (const text of ["{", "7", '{"text":1,"at":2}', '"text"']) {
      storage.values.set("reef:draft:a", text);
      expect(new Drafts(keptIn(storage)).read("a")).toBe("");
    }
  });
});
