// Reports in a real reef: visitors of a share link notice nothing of a reload, and each of them is noted once.
import { afterAll, expect, test } from "bun:test";
import { cleanUp } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";

const VISITS = 120;

afterAll(cleanUp);

test("it is reloaded while visitors come, without a failed page or a view that is lost or doubled (spec §17.8)", async () => {
  const reef = await startReefWith(["reports"], { token: "reports-test-token" });
  const { id } = await reef.api("POST", "/reports", { title: "t", author: "ada", content: "*rendered*" });
  const { linkId, url } = await reef.api("POST", `/reports/${id}/share`);
  const visits: Promise<string>[] = [];
  for (let n = 0; n < VISITS; n++) {
    visits.push(fetch(url).then(async (answer) => `${answer.status} ${await answer.text()}`));
    if (n % 40 === 20) await reef.api("POST", "/services/reload/reports");
  }
  const pages = new Set(await Promise.all(visits));
  expect(pages.size).toBe(1);
  expect([...pages][0]).toMatch(/^200 [\s\S]*<em>rendered<\/em>/);
  expect((await reef.api("GET", `/reports/${id}/shares`)).links).toMatchObject([{ accessCount: VISITS }]);
  expect((await reef.api("GET", `/reports/share/${linkId}/access`)).count).toBe(VISITS);
});
