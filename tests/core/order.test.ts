// Dependency order and cycles.
import { expect, test } from "bun:test";
import { orderByDependencies } from "../../src/core/order.js";

function names(...modules: [string, ...string[]][]) {
  const { order, cycles } = orderByDependencies(
    modules.map(([name, ...dependencies]) => ({ name, dependencies })),
  );
  return {
    order: order.map(({ name }) => name),
    cycles: cycles.map(({ member, path }) => `${member.name}: ${path}`),
  };
}

test("dependencies come first, the rest stays in the given order", () => {
  expect(names(["a", "z"], ["b"], ["z", "y"], ["y"]).order).toEqual(["y", "z", "a", "b"]);
});

test("all members of a cycle are named with it, what depends on them is still in order (spec §5.2)", () => {
  expect(names(["b", "a"], ["a", "b"], ["c", "a"], ["d"])).toEqual({
    order: ["c", "d"],
    cycles: ["b: a -> b -> a", "a: a -> b -> a"],
  });
});

test("a module in two cycles, and one that depends on itself", () => {
  expect(names(["a", "b", "c"], ["b", "a"], ["c", "b"], ["s", "s"]).cycles).toEqual([
    "a: a -> b -> a",
    "b: a -> b -> a",
    "c: a -> c -> b -> a",
    "s: s -> s",
  ]);
});

test("a missing dependency does not matter here", () => {
  expect(names(["a", "nope"])).toEqual({ order: ["a"], cycles: [] });
});
