// Bad input for the services of the fleet (spec §17.2), and for a service that was made to fail at it.
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import feed from "../../examples/services/feed/index.js";
import journal from "../../examples/services/journal/index.js";
import log from "../../examples/services/log/index.js";
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
