// `reef skills`: which files it reads, what it sends and prints.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeServer, reef } from "./support.js";

const PAINT = "---\nname: paint\ndescription: >\n  How to\n  paint\n---\n\nTake a brush.\n";
const SING = "---\nname: sing\ndescription: How to sing\n---\nBreathe.\n";

let folder: string;
let dir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reef-cli-skills-"));
  dir = join(folder, "skills");
  await skill("sing", SING);
  await skill("a-folder", PAINT);
  await mkdir(join(dir, "no-skill"));
  await writeFile(join(dir, "README.md"), "not a folder");
});
afterAll(() => rm(folder, { recursive: true }));

async function skill(name: string, text: string, into = dir): Promise<void> {
  await mkdir(join(into, name), { recursive: true });
  await writeFile(join(into, name, "SKILL.md"), text);
}

interface Item {
  name: string;
  description: string;
  content: string;
  version: number;
  enabled: boolean;
}

/** A hub that keeps what is published, with the rule that the same content makes no new version. */
function hub(items: Item[] = [], refused?: string) {
  const routes: Parameters<typeof fakeServer>[0] = {
    "GET /skills/manifest": () => ({ skills: [], extensions: [], revision: "0" }),
    "POST /skills/items": ({ body }) => {
      const sent = body as Item;
      if (sent.name === refused)
        return Response.json({ error: `invalid name: ${refused}\u001b[31m` }, { status: 400 });
      const before = items.find(({ name }) => name === sent.name);
      if (before?.content === sent.content) return before;
      const item = { ...sent, enabled: true, version: (before?.version ?? 0) + 1 };
      items.splice(before ? items.indexOf(before) : items.length, before ? 1 : 0, item);
      return Response.json(item, { status: 201 });
    },
  };
  for (const name of ["paint", "sing"])
    routes[`GET /skills/items/${name}`] = () =>
      items.find((item) => item.name === name) ??
      Response.json({ error: "skill not found", code: "not_found" }, { status: 404 });
  return fakeServer(routes);
}

const published = (name: string, content: string, more: Partial<Item> = {}): Item => ({
  name,
  content,
  description: "",
  version: 1,
  enabled: true,
  ...more,
});

describe("reef skills publish", () => {
  test("sends each skill whole, with the name and description that it gives itself", async () => {
    await using server = hub();
    expect(await reef(server.url, ["skills", "publish", "--dir", dir])).toEqual({
      code: 0,
      out: "published paint (version 1)\npublished sing (version 1)\n",
      err: "",
    });
    const sent = server.requests.filter(({ method }) => method === "POST").map(({ body }) => body);
    expect(sent).toEqual([
      { name: "paint", description: "How to paint", content: PAINT, publishedBy: "operator" },
      { name: "sing", description: "How to sing", content: SING, publishedBy: "operator" },
    ]);
  });

  test("says what was new, what changed and what the hub had already", async () => {
    await using server = hub([published("paint", PAINT, { version: 4 }), published("sing", "old")]);
    const { code, out } = await reef(server.url, ["skills", "publish", "--dir", dir, "--json"]);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      [
        { name: "paint", state: "unchanged", version: 4 },
        { name: "sing", state: "updated", version: 2 },
      ],
    ]);
  });

  test("takes only those that are named, for whom it is told", async () => {
    await using server = hub();
    await reef(server.url, ["skills", "publish", "sing", "--by", "ada", "--dir", dir]);
    expect(server.requests.filter(({ method }) => method === "POST").map(({ body }) => body)).toMatchObject([
      { name: "sing", publishedBy: "ada" },
    ]);
  });

  test("goes on after one that the hub refuses, and says so with exit code 1", async () => {
    await using server = hub([], "paint");
    expect(await reef(server.url, ["skills", "publish", "--dir", dir])).toEqual({
      code: 1,
      out: "published sing (version 1)\n",
      err: "paint: invalid name: paint\n",
    });
  });

  test("finds the skills that reef comes with when no folder is named", async () => {
    await using server = hub();
    const { out } = await reef(server.url, ["skills", "publish", "create-service"]);
    expect(out).toBe("published create-service (version 1)\n");
  });

  test("tells what to do when the server has no hub", async () => {
    await using server = fakeServer({});
    expect(await reef(server.url, ["skills", "publish", "--dir", dir])).toEqual({
      code: 1,
      out: "",
      err: "reef: the server has no SkillHub; enable it with: reef fleet enable skills\n",
    });
  });
});

describe("reef skills list", () => {
  test("is a table of the skills and of what the hub has of them", async () => {
    await using server = hub([published("sing", "old", { version: 3, enabled: false })]);
    const { code, out } = await reef(server.url, ["skills", "list", "--dir", dir]);
    expect([code, out]).toEqual([
      0,
      [
        "NAME   IN THE HUB                    WHEN TO USE IT",
        "paint  -                             How to paint",
        "sing   version 3, differs, disabled  How to sing",
        "",
      ].join("\n"),
    ]);
    expect(server.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    const { out: json } = await reef(server.url, ["skills", "list", "paint", "--dir", dir, "--json"]);
    expect(JSON.parse(json)).toEqual({
      skills: [{ name: "paint", state: "-", description: "How to paint" }],
      count: 1,
    });
  });
});

describe("a wrong use sends nothing", () => {
  test.each([
    [["skills"], "skills needs <list|publish> [name…]"],
    [["skills", "sync"], 'skills takes list or publish. Received: "sync"'],
    [["skills", "publish", "dance"], 'there is no skill "dance"; there are paint, sing'],
    [["skills", "publish", "--dir", "/nowhere/at/all"], "cannot read /nowhere/at/all: ENOENT"],
  ])("%j", async (args, problem) => {
    await using server = hub();
    const given = args.includes("--dir") ? args : [...args, "--dir", dir];
    const { code, err } = await reef(server.url, given);
    expect([code, err.split("\n")[0]]).toEqual([2, `reef: ${problem}`]);
    expect(server.requests).toEqual([]);
  });

  test.each([
    ["Take a brush.", "has no name in front of its text"],
    ["---\nname: x\n---\n", "has no description in front of its text"],
    ["---\nname: [\n---\n", "what stands in front of its text is not YAML"],
  ])("a skill that begins %j", async (text, problem) => {
    const other = join(folder, "other");
    await skill("broken", text, other);
    await using server = hub();
    const { code, err } = await reef(server.url, ["skills", "publish", "--dir", other]);
    expect([code, err.includes(problem)]).toEqual([2, true]);
    expect(server.requests).toEqual([]);
  });
});
