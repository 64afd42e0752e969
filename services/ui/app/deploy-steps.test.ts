import { beforeEach, expect, test } from "bun:test";
import { deploySteps, hearStep, stepIn } from "./deploy-steps.js";

beforeEach(() => {
  deploySteps.value = new Map();
});

const told = (name: string) => deploySteps.value.get(name);

test("a step stands once, as it was told of last, in the order in which the steps came", () => {
  hearStep("hello", { step: "validate", status: "running" });
  hearStep("hello", { step: "validate", status: "passed" });
  hearStep("hello", { step: "test", status: "running" });
  hearStep("hello", { step: "test", status: "failed", detail: "1 failed" });
  expect(told("hello")).toEqual([
    { step: "validate", status: "passed" },
    { step: "test", status: "failed", detail: "1 failed" },
  ]);
});

test("the next deploy begins anew, and that of another service changes nothing", () => {
  hearStep("hello", { step: "validate", status: "passed" });
  hearStep("hello", { step: "test", status: "failed" });
  hearStep("other", { step: "validate", status: "running" });
  expect(told("hello")).toHaveLength(2);
  hearStep("hello", { step: "validate", status: "running" });
  expect(told("hello")).toEqual([{ step: "validate", status: "running" }]);
  expect(told("other")).toHaveLength(1);
});

test("the steps of the newest 50 services are kept", () => {
  for (let at = 0; at < 60; at++) hearStep(`s${at}`, { step: "validate", status: "running" });
  expect([...deploySteps.value.keys()]).toEqual(Array.from({ length: 50 }, (_, at) => `s${at + 10}`));
});

test("a frame that is no step is none", () => {
  expect(stepIn({ type: "step", step: "test", status: "passed", detail: 3 })).toEqual({
    step: "test",
    status: "passed",
  });
  expect(stepIn({ type: "result", deployed: true })).toBeUndefined();
});
