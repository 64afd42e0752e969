// Which requests a module's patterns take in, also where hono's router answers against its own type.
import { expect, test } from "bun:test";
import { Hono } from "hono";
import { ownRoutes, publicRoutes } from "../../src/core/mount.js";

const UNUSUAL = "/:id{a|b}?/*";
const paths = ["/", "/a", "/a/", "/b/c", "/zz", "//"];

test("an unusual pattern matches or does not, and never fails a request (spec §2.2)", () => {
  const isPublic = publicRoutes({ name: "x", publicRoutes: [`PATCH ${UNUSUAL}`] });
  const isOwn = ownRoutes({ name: "x", routes: new Hono().patch(UNUSUAL, (c) => c.text("x")) });
  const taken = (method: string) => paths.filter((path) => isPublic?.(method, path));
  expect(taken("PATCH")).toEqual(["/b/c"]);
  expect(taken("GET")).toEqual([]);
  expect(paths.filter((path) => isOwn("PATCH", path))).toEqual(["/b/c"]);
});
