import { describe, expect, test } from "bun:test";
import { eventNode } from "../../src/reef/causes.js";
import type { TreeNode } from "../../src/tree/node.js";
import { node } from "../tasks/samples.js";

const call = node({ id: "call", role: "tool_call", taskId: "t" });
const elsewhere = node({ id: "elsewhere", role: "event", taskId: undefined });
const nodes = new Map<string, TreeNode>([call, elsewhere].map((one) => [one.id, one]));
const tx = {
  get: (id: string) => nodes.get(id),
  ref: (name: string) => (name === "main" ? "root" : undefined),
};
const served = { causeId: "call", module: "board" };

describe("reef:event (spec §4.10)", () => {
  test("an event hangs under the cause and belongs to its task", () => {
    expect(eventNode(tx, { type: "card_moved", content: "c", card: 1 }, served)).toEqual({
      parentId: "call",
      taskId: "t",
      role: "event",
      eventType: "card_moved",
      source: "board",
      content: "c",
      meta: { card: 1 },
    });
  });

  test("a parentId that exists wins, and the cause is then named beside it", () => {
    expect(eventNode(tx, { type: "x", parentId: "elsewhere" }, served)).toMatchObject({
      parentId: "elsewhere",
      causeId: "call",
      taskId: "t",
    });
  });

  test("without cause or parent it hangs under main; a module acting by itself names what put it live", () => {
    expect(eventNode(tx, { type: "x", parentId: "ghost" }, { causeId: null })).toMatchObject({
      parentId: "root",
      source: "reef",
    });
    expect(eventNode(tx, { type: "x" }, { causeId: null, moduleCauseId: "call" })).toMatchObject({
      parentId: "root",
      causeId: "call",
    });
  });

  test("a type that is a frame of reef's own gets the source in front", () => {
    expect(eventNode(tx, { type: "task_done", source: "fake" }, served).eventType).toBe("fake:task_done");
  });

  test("content of any kind becomes text, cut at 16 KiB without breaking a character", () => {
    expect(eventNode(tx, { type: "x", content: { a: 1 } }, served).content).toBe('{"a":1}');
    expect(eventNode(tx, { type: "x" }, served).content).toBe("x");
    const { content } = eventNode(tx, { type: "x", content: "é".repeat(20_000) }, served);
    expect(Buffer.byteLength(content)).toBe(16 * 1024);
    expect(content.endsWith("é")).toBe(true);
  });

  test("meta that is no JSON, or too large, is dropped and says so", () => {
    const cyclic: Record<string, unknown> = { type: "x" };
    cyclic.self = cyclic;
    expect(eventNode(tx, cyclic, served).meta).toEqual({ dropped: true });
    expect(eventNode(tx, { type: "x", big: "y".repeat(70_000) }, served).meta).toEqual({ dropped: true });
  });

  test("what is no object is content", () => {
    expect(eventNode(tx, "hello", served)).toMatchObject({ eventType: "event", content: "hello" });
    expect(eventNode(tx, undefined, served)).toMatchObject({ eventType: "event", content: "event" });
  });
});
