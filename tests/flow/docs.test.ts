// The documentation of a whole reef: every service that is there, as one document that holds.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { expectValid, type OpenApi } from "../../services/docs/openapi-check.js";
import { cleanUp, type Reef, startReef } from "./reef.js";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({
    token: "docs-token",
    env: { HOST: "127.0.0.1", REEF_OFFLINE: "1", REEF_WARM: "0" },
  });
});
afterAll(cleanUp);

test("/docs is open and has every live module but itself, reef too (spec §8)", async () => {
  const answer = await fetch(`${reef.url}/docs`);
  const { services } = (await answer.json()) as { services: { name: string }[] };
  const { modules } = await reef.api<{ modules: { name: string }[] }>("GET", "/services");
  const names = modules.map(({ name }) => name).filter((name) => name !== "docs");
  expect(services.map(({ name }) => name)).toEqual(names.toSorted());
  expect(names).toContain("reef");
});

test("the OpenAPI document of all of them is valid, with each operation named once (spec §8)", async () => {
  const document = (await (await fetch(`${reef.url}/docs/openapi.json`)).json()) as OpenApi;
  await expectValid(document);
  for (const path of ["/reef/submit", "/reef/tree/{id}", "/store/{key}", "/docs/openapi.json"]) {
    expect(Object.keys(document.paths)).toContain(path);
  }
});

test("no stock service documents a route that it does not have", () => {
  expect(reef.output()).not.toContain("documents routes that it does not have");
});
