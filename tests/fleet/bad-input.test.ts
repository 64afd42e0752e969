// Bad input for the services of the fleet (spec §17.2), and for a service that was made to fail at it.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import board from "../../examples/services/board/index.js";
import commits from "../../examples/services/commits/index.js";
import feed from "../../examples/services/feed/index.js";
import journal from "../../examples/services/journal/index.js";
import log from "../../examples/services/log/index.js";
import registry from "../../examples/services/registry/index.js";
import reports from "../../examples/services/reports/index.js";
import skills from "../../examples/services/skills/index.js";
import updater from "../../examples/services/updater/index.js";
import usage from "../../examples/services/usage/index.js";
import { openStorage } from "../../src/core/storage.js";
import type { ServiceModule } from "../../src/core/types.js";
import { tryBadInput } from "./bad-input.js";

describe("the feed", () => {
  const event = { agent: "ada", type: "custom", summary: "s", detail: "d", metadata: { a: 1 } };

  test("refuses bad input and changes nothing by it (spec §3)", async () => {
    const { requests, problems } = await tryBadInput(feed, {
      bodies: { "POST /events": event },
      prepare: async (harness) => {
        const { data } = await harness.json("/feed/events", { auth: true, body: event });
        return { id: data.id };
      },
    });
    expect(problems).toEqual([]);
    expect(requests).toBeGreaterThan(400);
  });
});

test("the log refuses bad input and changes nothing by it (spec §4)", async () => {
  const { requests, problems } = await tryBadInput(log, { bodies: { "POST /": { text: "t", agent: "a" } } });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(400);
});

test("the journal refuses bad input and changes nothing by it (spec §5)", async () => {
  const { requests, problems } = await tryBadInput(journal, {
    bodies: { "POST /": { text: "t", author: "a", mood: "m", tags: ["x"] } },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(400);
});

test("the registry refuses bad input and changes nothing by it (spec §6)", async () => {
  const vm = { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" };
  const rest = { status: "paused", services: [{ name: "http", port: 80 }], metadata: { a: 1 } };
  const { requests, problems } = await tryBadInput(registry, {
    bodies: {
      "POST /vms": { ...vm, ...rest },
      "PATCH /vms/:id": { name: "two", address: "two.example", statusReason: "why", ...rest },
    },
    prepare: async (harness) => {
      await harness.json("/registry/vms?upsert=true", { auth: true, body: vm });
      return { id: "vm-1", role: "worker" };
    },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(1_000);
});

test("SkillHub refuses bad input and changes nothing by it (spec §7)", async () => {
  const item = { name: "a", description: "d", content: "c", publishedBy: "ada", enabled: true };
  const held = { name: "a", version: 1, hash: "h" };
  const { requests, problems } = await tryBadInput(skills, {
    bodies: {
      "POST /items": { ...item, tags: ["x"] },
      "PATCH /items/:name": { description: "d", tags: ["x"], enabled: true },
      "POST /extensions": item,
      "PATCH /extensions/:name": { description: "d", enabled: true },
      "POST /sync": { agentId: "ada", vmId: "v", skills: [held], extensions: [held] },
    },
    prepare: async (harness) => {
      for (const path of ["/skills/items", "/skills/extensions"])
        await harness.json(path, { auth: true, body: item });
      await harness.json("/skills/sync", { auth: true, body: { agentId: "ada" } });
      return { name: "a", agentId: "ada" };
    },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(1_000);
});

test("usage refuses bad input and changes nothing by it (spec §10)", async () => {
  const figures = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, total: 10 };
  const { requests, problems } = await tryBadInput(usage, {
    bodies: {
      "POST /sessions": {
        ...{ sessionId: "s", agent: "ada", parentAgent: "bob", model: "m", taskId: "t", nodeId: "n" },
        ...{ tokens: figures, cost: figures, turns: 1, toolCalls: { bash: 1 } },
        models: { m: { tokens: figures, cost: 10, turns: 1 } },
        ...{ startedAt: "2026-01-31T09:00:00Z", endedAt: "2026-01-31T09:05:00Z" },
      },
      "POST /vms": { vmId: "v", role: "infra", agent: "ada", createdAt: "2026-01-31", commitId: "c" },
    },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(1_000);
});

test("reports refuse bad input and change nothing by it, share links too (spec §8)", async () => {
  const report = { title: "t", author: "a", content: "c", tags: ["x"] };
  const share = { createdBy: "a", label: "l", expiresAt: "2099-01-01" };
  const { requests, problems } = await tryBadInput(reports, {
    bodies: { "POST /": report, "PATCH /:id": { title: "new" }, "POST /:id/share": share },
    prepare: async (harness) => {
      const { id } = (await harness.json("/reports", { auth: true, body: report })).data;
      const { linkId } = (await harness.json(`/reports/${id}/share`, { auth: true, body: share })).data;
      return { id, linkId };
    },
    htmlErrors: ["GET /share/:linkId"],
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(700);
});

test("the ledger of commits refuses bad input and changes nothing by it (spec §9)", async () => {
  const commit = { commitId: "c", vmId: "v", label: "l", agent: "a", tags: ["x"], metadata: { a: 1 } };
  const { requests, problems } = await tryBadInput(commits, {
    bodies: { "POST /": { ...commit, createdAt: "2026-01-31" } },
    prepare: async (harness) => {
      const { data } = await harness.json("/commits?upsert=true", { auth: true, body: commit });
      return { id: data.commitId };
    },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(400);
});

test("the board refuses bad input and changes nothing by it (spec §2)", async () => {
  const task = {
    title: "t",
    createdBy: "a",
    description: "d",
    assignee: "a",
    tags: ["x"],
    dependencies: ["x"],
  };
  const artifacts = [{ type: "url", url: "u", label: "l" }];
  const { requests, problems } = await tryBadInput(board, {
    bodies: {
      "POST /tasks": { ...task, status: "open" },
      "PATCH /tasks/:id": { title: "new", ifUpdatedAt: undefined },
      "POST /tasks/:id/notes": { author: "a", content: "c", type: "update" },
      "POST /tasks/:id/artifacts": { artifacts },
      "POST /tasks/:id/review": { summary: "s", reviewedBy: "a", artifacts },
      "POST /tasks/:id/approve": { approvedBy: "a", comment: "c" },
      "POST /tasks/:id/reject": { rejectedBy: "a", reason: "r" },
      "POST /tasks/:id/claim": { agent: "a", leaseSeconds: 60, force: true },
      "POST /tasks/:id/heartbeat": { token: 1, leaseSeconds: 60 },
      "POST /tasks/:id/release": { token: 1, status: "open" },
    },
    prepare: async (harness) => {
      const { data } = await harness.json("/board/tasks", { auth: true, body: task });
      return { id: data.id };
    },
  });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThan(1_500);
});

test("the updater, which takes no input, is not disturbed by any (spec §12)", async () => {
  const isolated: ServiceModule = {
    ...updater,
    init(ctx) {
      const config = { ...ctx.config, npmRegistry: "http://127.0.0.1:9" };
      return updater.init.call(this, { ...ctx, config });
    },
  };
  const { problems } = await tryBadInput(isolated, { bodies: {} });
  // Nothing answers at that registry, and this reef is a clone.
  const refused = /^POST \/(check|apply), .*: (502 .*"upstream_failed"|409 .*"conflict")/;
  expect(problems.filter((problem) => !refused.test(problem))).toEqual([]);
});

test("what a careless service answers is found", async () => {
  const careless: ServiceModule = {
    name: "careless",
    routeDocs: {
      "POST /": {
        summary: "Takes anything",
        body: { name: { type: "string", required: true, description: "A name" } },
      },
      "GET /:id": { summary: "Fails", params: { id: { type: "string", description: "An id" } } },
    },
    init(ctx) {
      const storage = openStorage(ctx, { migrations: ["CREATE TABLE names (name ANY) STRICT;"] });
      this.routes = new Hono()
        .post("/", async (c) => {
          const { name } = await c.req.json();
          await storage.write((db) => db.query("INSERT INTO names VALUES (?)").run(String(name)));
          return name === null ? c.json({ message: "no" }, 400) : c.json({ name: name.length });
        })
        .get("/:id", (c) => c.text(c.req.param("id").normalize(c.req.param("id")), 400));
    },
  };
  const { problems } = await tryBadInput(careless, { bodies: { "POST /": { name: "n" } }, randomBodies: 0 });
  for (const problem of [
    "POST /, name = 5: taken although its type is another one: 200",
    "POST /, null: a failure: 500",
    "POST /, name = nothing: a failure: 500",
    "POST /, name = null: something changed although it was refused: 400",
    "POST /, name = null: an error without its message or code: 400",
    "GET /:id, :id = x: a failure: 500",
  ])
    expect(problems.join("\n")).toContain(problem);
});
