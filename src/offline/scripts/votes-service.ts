// The service that the scripted agent writes: small, whole, and with one mistake that its own test finds.

export interface ServiceFile {
  path: string;
  content: string;
}

/** What the agent repairs: the choice with the most votes belongs first. */
export const MISTAKE = {
  oldText: "ORDER BY votes ASC, choice",
  newText: "ORDER BY votes DESC, choice",
};

export function votesService(name: string): ServiceFile[] {
  return [
    { path: "store.ts", content: STORE },
    { path: "routes.ts", content: ROUTES },
    { path: "tools.ts", content: toolsOf(name) },
    { path: "index.ts", content: indexOf(name) },
    { path: `${name}.test.ts`, content: testOf(name) },
  ];
}

const STORE = `// Votes in the service's own SQLite file: counted when a vote is on disk.
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";

export interface Tally {
  choice: string;
  votes: number;
}

export interface VoteStore {
  /** Resolves when the vote is on disk. */
  cast(choice: string): Promise<Tally>;
  /** The choice with the most votes first. */
  tally(): Tally[];
}

const MIGRATIONS = ["CREATE TABLE tally (choice TEXT PRIMARY KEY, votes INTEGER NOT NULL)"];

export function openVotes(ctx: ServiceContext): VoteStore {
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  return {
    cast: (choice) =>
      storage.write((db) =>
        db
          .query<Tally, [string]>(
            "INSERT INTO tally VALUES (?, 1) ON CONFLICT (choice) DO UPDATE SET votes = votes + 1 RETURNING *",
          )
          .get(choice),
      ) as Promise<Tally>,
    tally: () => storage.read.query<Tally, []>("SELECT * FROM tally ${MISTAKE.oldText}").all(),
  };
}
`;

const ROUTES = `// Casting a vote, and reading the tally.
import { Hono } from "hono";
import { ReefError } from "#core/errors.js";
import type { VoteStore } from "./store.js";

const CHOICE_MAX = 200;

export function createRoutes(votes: VoteStore): Hono {
  return new Hono()
    .post("/", async (c) => {
      const { choice } = await c.req.json();
      if (typeof choice !== "string" || choice.trim() === "")
        throw new ReefError("bad_request", "choice is required");
      if (choice.length > CHOICE_MAX)
        throw new ReefError("bad_request", \`choice is longer than \${CHOICE_MAX} characters\`);
      return c.json(await votes.cast(choice.trim()), 201);
    })
    .get("/", (c) => c.json({ tally: votes.tally() }));
}
`;

const toolsOf = (name: string) => `// What agents call.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "@sinclair/typebox";
import type { FleetClient } from "#core/types.js";

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "${name}_cast",
    label: "Cast a vote",
    description: "Counts one vote for a choice and says how many it has now.",
    parameters: Type.Object({ choice: Type.String({ description: "What the vote is for" }) }),
    async execute(_id, { choice }) {
      const counted = await client.api<{ choice: string; votes: number }>("POST", "/${name}", { choice });
      return client.ok(\`\${counted.choice}: \${counted.votes}\`, counted);
    },
  });
}
`;

const indexOf = (name: string) => `// Counts votes.
import type { ServiceModule } from "#core/types.js";
import { createRoutes } from "./routes.js";
import { openVotes } from "./store.js";
import { registerTools } from "./tools.js";

export default {
  name: "${name}",
  description: "Counts votes",
  registerTools,
  routeDocs: {
    "POST /": {
      summary: "Cast a vote",
      body: { choice: { type: "string", required: true, description: "What the vote is for" } },
      response: "{ choice, votes }",
    },
    "GET /": { summary: "The tally, the choice with the most votes first", response: "{ tally }" },
  },
  init(this: ServiceModule, ctx) {
    this.routes = createRoutes(openVotes(ctx));
  },
} satisfies ServiceModule;
`;

const testOf = (name: string) => `import { afterEach, beforeEach, expect, test } from "bun:test";
import { createTestHarness, type TestHarness } from "#core/testing.js";
import service from "./index.js";

let t: TestHarness;
beforeEach(async () => {
  t = await createTestHarness({ services: [service] });
});
afterEach(() => t.cleanup());

const cast = (choice: unknown) => t.json("/${name}", { auth: true, body: { choice } });

test("the choice with the most votes comes first", async () => {
  for (const choice of ["coffee", "tea", "tea"]) expect((await cast(choice)).status).toBe(201);
  const { data } = await t.json("/${name}", { auth: true });
  expect(data.tally).toEqual([
    { choice: "tea", votes: 2 },
    { choice: "coffee", votes: 1 },
  ]);
});

test("a vote for nothing is refused", async () => {
  expect((await cast(" ")).status).toBe(400);
});
`;
