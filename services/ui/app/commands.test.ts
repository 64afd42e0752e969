import { expect, test } from "bun:test";
import { type Command, matching } from "./commands.js";

const run = () => undefined;
const ALL: Command[] = [
  { kind: "do", name: "New task", run },
  { kind: "go to", name: "services", run },
  { kind: "panel", name: "cron", run },
  { kind: "task", name: "tidy: Tidy the cron jobs", run },
  { kind: "task", name: "other: What is 2+2?", run },
];

const found = (text: string) => matching(ALL, text).map(({ name }) => name);

test("without a word everything is shown, in its order", () => {
  expect(found("  ")).toEqual(ALL.map(({ name }) => name));
});

test("every word has to be there, in any order and case, the kind included", () => {
  expect(found("CRON tidy")).toEqual(["tidy: Tidy the cron jobs"]);
  expect(found("task 2+2")).toEqual(["other: What is 2+2?"]);
  expect(found("panel")).toEqual(["cron"]);
  expect(found("nothing of it")).toEqual([]);
});

test("what begins with the text comes first", () => {
  expect(found("cron")).toEqual(["cron", "tidy: Tidy the cron jobs"]);
  expect(found("t")[0]).toBe("tidy: Tidy the cron jobs");
});
