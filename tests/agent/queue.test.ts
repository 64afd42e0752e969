// The paced queue between a reader and its listener.
import { describe, expect, test } from "bun:test";
import { createPacedQueue } from "../../src/agent/queue.js";

async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

describe("paced queue", () => {
  test("hands out in order and ends after the last item", async () => {
    const queue = createPacedQueue<number>(10);
    for (const n of [1, 2, 3]) queue.push(n);
    queue.end();
    queue.push(4);
    expect(await Array.fromAsync(queue.items())).toEqual([1, 2, 3]);
  });

  test("a listener that waits gets what is pushed later", async () => {
    const queue = createPacedQueue<number>(10);
    const all = Array.fromAsync(queue.items());
    await Promise.resolve();
    queue.push(1);
    await Promise.resolve();
    queue.push(2);
    queue.end();
    expect(await all).toEqual([1, 2]);
  });

  test("there is no room at the limit until the listener takes one", async () => {
    const queue = createPacedQueue<number>(2);
    queue.push(1);
    expect(await isOpen(queue.room())).toBe(true);
    queue.push(2);
    const room = queue.room();
    expect(await isOpen(room)).toBe(false);
    const items = queue.items()[Symbol.asyncIterator]();
    await items.next();
    expect(await isOpen(room)).toBe(true);
  });

  test("lifted, the limit does not hold", async () => {
    const queue = createPacedQueue<number>(1);
    queue.push(1);
    const room = queue.room();
    queue.lift(true);
    expect(await isOpen(room)).toBe(true);
    queue.lift(false);
    expect(await isOpen(queue.room())).toBe(false);
  });

  test("dropped, it ends for the listener at once and takes everything from the reader", async () => {
    const queue = createPacedQueue<number>(1);
    queue.push(1);
    const room = queue.room();
    queue.drop();
    queue.push(2);
    expect(await isOpen(room)).toBe(true);
    expect(await Array.fromAsync(queue.items())).toEqual([]);
  });

  test("a second listener goes on where the first has left off", async () => {
    const queue = createPacedQueue<number>(10);
    for (const n of [1, 2, 3]) queue.push(n);
    queue.end();
    for await (const item of queue.items()) if (item === 1) break;
    expect(await Array.fromAsync(queue.items())).toEqual([2, 3]);
  });
});
