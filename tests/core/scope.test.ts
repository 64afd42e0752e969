// The undo stack of one module version.
import { expect, test } from "bun:test";
import { createScope } from "../../src/core/scope.js";
import { listener } from "./modules.js";

test("undo runs once, newest first, with the signal aborted before (spec §5.3)", async () => {
  const done: string[] = [];
  const scope = createScope(listener().log);
  scope.add("timer", "first", () => void done.push(`first, aborted ${scope.signal.aborted}`));
  scope.add("dispose", "second", async () => {
    await Bun.sleep(1);
    done.push("second");
  });
  await Promise.all([scope.undo("over"), scope.undo()]);
  expect(done).toEqual(["second", "first, aborted true"]);
  expect(scope.signal.reason).toBe("over");
});

test("an undo that throws, rejects or hangs is logged and keeps no other back", async () => {
  const heard = listener();
  const done: string[] = [];
  const scope = createScope(heard.log, { undoMs: 10 });
  scope.add("dispose", "last", () => void done.push("last"));
  scope.add("dispose", "hangs", () => new Promise(() => {}));
  scope.add("dispose", "rejects", () => Promise.reject(new Error("no")));
  scope.add("dispose", "throws", () => {
    throw new Error("never");
  });
  await scope.undo();
  expect(done).toEqual(["last"]);
  expect(heard.lines).toHaveLength(3);
  expect(heard.lines[2]).toBe('error undo of dispose "hangs" failed: took longer than 0.01 s');
});

test("what add returns undoes at once and is forgotten", async () => {
  let undone = 0;
  const scope = createScope(listener().log);
  const stop = scope.add("timer", "tick", () => void undone++);
  stop();
  stop();
  await scope.undo();
  expect(undone).toBe(1);
});

test("what is added to a scope that has ended is undone at once", async () => {
  let undone = 0;
  const scope = createScope(listener().log);
  await scope.undo();
  scope.add("timer", "late", () => void undone++);
  expect(undone).toBe(1);
  expect(scope.holds()).toEqual([]);
});

test("holds are counted by kind and label", () => {
  const scope = createScope(listener().log);
  scope.add("stream", "feed", () => {});
  const stop = scope.add("stream", "feed", () => {});
  scope.add("timer", "tick", () => {});
  stop();
  scope.add("stream", "feed", () => {});
  expect(scope.holds()).toEqual([
    { kind: "stream", label: "feed", count: 2 },
    { kind: "timer", label: "tick", count: 1 },
  ]);
});
