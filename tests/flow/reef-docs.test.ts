// The routes of /reef and what the documentation says of them are the same, on the server that really runs.
import { afterAll, expect, test } from "bun:test";
import { routeDocs } from "../../src/reef/docs.js";
import { cleanUp, startReef } from "./reef.js";

afterAll(cleanUp);

test("every route of /reef is documented, and every documented route exists", async () => {
  const reef = await startReef({ env: { REEF_WARM: "0" } });
  const { services } = await reef.api("GET", "/services/manifest");
  const { routes } = services.find(({ name }: { name: string }) => name === "reef");
  const existing = Object.keys(routes).map((route) => route.replace(" /reef/", " /"));
  expect(existing.toSorted()).toEqual(Object.keys(routeDocs).toSorted());
  await reef.stop();
});
