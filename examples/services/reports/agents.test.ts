// Reports as agents meet them: their tools, and their line in the widget.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createFleetClient } from "#core/client.js";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import type { ServiceModule, ToolResult } from "#core/types.js";
import reports from "./index.js";

let harness: TestHarness;
beforeEach(async () => {
  harness = await createTestHarness({ services: [reports] });
});
afterEach(() => harness.cleanup());

const textOf = ({ content }: ToolResult) =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
const ask = async (path: string) => (await harness.json(`/reports${path}`, { auth: true })).data;

test("reports_create writes as the agent that calls, and does not repeat the content (spec §8)", async () => {
  const params = { title: "Why", content: "x".repeat(10_000), tags: ["a"] };
  const result = await harness.tool("reports_create", params);
  const { id } = (await ask("")).reports[0];
  const report = await ask(`/${id}`);
  expect(report).toMatchObject({ ...params, author: "test-agent" });
  expect(result.details).toEqual({ report });
  const { content: _, ...head } = report;
  expect(JSON.parse(textOf(result))).toEqual(head);
  await harness.tool("reports_create", { title: "t", content: "c", author: "bob" });
  expect((await ask("")).reports[0]).toMatchObject({ author: "bob", tags: [] });
});

test("reports_share answers with the link, made by the agent that calls (spec §8)", async () => {
  const { id } = (
    await harness.json("/reports", { auth: true, body: { title: "t", author: "a", content: "c" } })
  ).data;
  const params = { id, label: "for Bob", expiresAt: "2030-01-01" };
  const result = await harness.tool("reports_share", params);
  const [link] = (await ask(`/${id}/shares`)).links;
  expect(link).toMatchObject({
    createdBy: "test-agent",
    label: "for Bob",
    expiresAt: "2030-01-01T00:00:00.000Z",
  });
  const share = { linkId: link.linkId, url: `http://localhost/reports/share/${link.linkId}` };
  expect([result.details, JSON.parse(textOf(result))]).toEqual([{ share }, share]);
});

test("failures say what is wrong, and what to do (spec §1.9)", async () => {
  const failure = async (name: string, params: object) => {
    const result = await harness.tool(name, params);
    return [result.isError, textOf(result)];
  };
  expect(await failure("reports_create", { title: " ", content: "c" })).toEqual([
    true,
    "Error: title is required",
  ]);
  expect(await failure("reports_share", { id: "../x" })).toEqual([
    true,
    "Error: report not found: use the id that reports_create answered",
  ]);
});

test("the widget counts the reports (spec §8)", async () => {
  await harness.tool("reports_create", { title: "t", content: "c" });
  const { widget }: ServiceModule = reports;
  expect(await widget?.getLines(createFleetClient())).toEqual(["Reports: 1"]);
});
