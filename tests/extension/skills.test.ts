// A machine and the SkillHub: what a sync does on a real disk with the real service, and what it never does.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import hub from "../../examples/services/skills/index.js";
import { createFleetClient } from "../../src/core/client.js";
import { createTestHarness, type TestHarness } from "../../src/core/testing.js";
import { createHubRemote } from "../../src/extension/skills-remote.js";
import { createSkillSession, type SkillSession } from "../../src/extension/skills-session.js";
import { createSkillSync, type Outcome } from "../../src/extension/skills-sync.js";
import { textOf } from "../../src/extension/skills-tool.js";

let harness: TestHarness;
let server: Bun.Server<undefined>;
let agentDir: string;
let over: AbortController;
/** Stands in for an answer of the hub's, where a test wants a hub that is broken or hostile. */
let instead: ((request: Request) => Response | undefined) | undefined;
let asked: string[];

beforeEach(async () => {
  harness = await createTestHarness({ services: [hub] });
  agentDir = await mkdtemp(join(tmpdir(), "reef-machine-"));
  over = new AbortController();
  instead = undefined;
  asked = [];
  serve(0);
});
afterEach(async () => {
  over.abort();
  await server.stop(true);
  await harness.cleanup();
  await rm(agentDir, { recursive: true, force: true });
});

function serve(port: number): void {
  server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch(request) {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return instead?.(request) ?? harness.app.fetch(request);
    },
  });
}

const skillFile = (name: string, file = "SKILL.md") => join(agentDir, "skills/_hub", name, file);
const extensionFile = (name: string, file = `${name}.ts`) => join(agentDir, "extensions/_hub", name, file);
const read = (path: string) => readFile(path, "utf8").catch(() => null);
const namesIn = async (path: string) => (await readdir(join(agentDir, path))).sort();
const put = async (path: string, text: string) => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
};
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

const ask = async (method: string, path: string, body?: object) =>
  (await harness.json(`/skills${path}`, { method, auth: true, ...(body && { body }) })).data;
const publish = (name: string, content: string, path = "/items") =>
  ask("POST", path, { name, content, description: "d", publishedBy: "ada" });

const remote = () => {
  const client = createFleetClient({ baseUrl: server.url.origin, agentName: "machine", vmId: "vm-1" });
  return createHubRemote(client, over.signal);
};
const createSync = () => createSkillSync(remote(), agentDir, over.signal);
const sync = async () => {
  const outcomes = await createSync().run();
  return outcomes && shown(outcomes);
};
const shown = (outcomes: Outcome[]) => outcomes.map(({ name, state }) => `${state} ${name}`).sort();
const reported = () => ask("GET", "/agents/machine");

describe("a sync (spec §7)", () => {
  test("installs, updates and removes, with versions and hashes beside the content", async () => {
    await publish("deploy", "# é\n");
    await publish("greet", "export default () => {};\n", "/extensions");
    expect(await sync()).toEqual(["installed deploy", "installed greet"]);
    expect(await read(skillFile("deploy"))).toBe("# é\n");
    expect(await read(skillFile("deploy", ".version"))).toBe("1");
    expect(await read(skillFile("deploy", ".hash"))).toBe(sha256("# é\n"));
    expect(await read(extensionFile("greet"))).toBe("export default () => {};\n");
    expect(await sync()).toEqual(["unchanged deploy", "unchanged greet"]);

    await publish("deploy", "# 2\n");
    expect(await sync()).toEqual(["unchanged greet", "updated deploy"]);
    expect([await read(skillFile("deploy")), await read(skillFile("deploy", ".version"))]).toEqual([
      "# 2\n",
      "2",
    ]);
    expect(await read(skillFile("deploy", ".hash"))).toBe(sha256("# 2\n"));

    await ask("PATCH", "/items/deploy", { enabled: false });
    await ask("DELETE", "/extensions/greet");
    expect(await sync()).toEqual(["removed deploy", "removed greet"]);
    expect(await namesIn("skills/_hub")).toEqual([]);
    expect(await namesIn("extensions/_hub")).toEqual([]);
  });

  test("tells the hub what the machine has when it is done", async () => {
    await publish("a", "1");
    await publish("b", "2");
    await sync();
    expect(await reported()).toMatchObject({
      agentId: "machine",
      vmId: "vm-1",
      skills: [
        { name: "a", version: 1 },
        { name: "b", version: 1 },
      ],
      extensions: [],
    });
  });

  test("puts right what is damaged, in a former incarnation, or half there", async () => {
    for (const name of ["bent", "reborn", "torn", "unversioned"]) await publish(name, `${name} 1`);
    await sync();
    await writeFile(skillFile("bent"), "bent by somebody");
    await rm(skillFile("torn"));
    await rm(skillFile("unversioned", ".version"));
    await ask("DELETE", "/items/reborn");
    await publish("reborn", "reborn anew");
    expect(await sync()).toEqual([
      "installed torn",
      "installed unversioned",
      "updated bent",
      "updated reborn",
    ]);
    expect(await read(skillFile("bent"))).toBe("bent 1");
    expect(await read(skillFile("torn"))).toBe("torn 1");
    expect(await read(skillFile("reborn"))).toBe("reborn anew");
    expect(await sync()).toHaveLength(4);
  });

  test("writes the names of extensions into the file through which pi finds them", async () => {
    await publish("one", "export default () => {};", "/extensions");
    await publish("two.x", "export default () => {};", "/extensions");
    await sync();
    const loader = join(agentDir, "extensions/_hub/index.ts");
    expect(await read(loader)).toContain('const NAMES: string[] = ["one","two.x"];');
    await ask("DELETE", "/extensions/one");
    await sync();
    expect(await read(loader)).toContain('const NAMES: string[] = ["two.x"];');
    await writeFile(loader, "// mine");
    await ask("DELETE", "/extensions/two.x");
    await sync();
    expect(await read(loader)).toBe("// mine");
  });

  test("is nothing where the server has no hub", async () => {
    instead = () => Response.json({ error: "not found" }, { status: 404 });
    expect(await sync()).toBeUndefined();
    expect(await readdir(agentDir)).toEqual([]);
  });
});

describe("what somebody has written is never lost (spec §7)", () => {
  test("names that the machine has by itself are left alone", async () => {
    const own = ["skills/a/SKILL.md", "skills/b.md", "skills/repo/c/SKILL.md", "extensions/x.ts"];
    for (const path of [...own, "extensions/y/index.ts"]) await put(join(agentDir, path), "mine");
    for (const name of ["a", "b", "c", "repo", "hub"]) await publish(name, "hub's");
    for (const name of ["x", "y", "index.ts", "z"]) await publish(name, "hub's", "/extensions");
    expect(await sync()).toEqual([
      "installed hub",
      "installed z",
      ...["a", "b", "c", "index.ts", "repo", "x", "y"].map((name) => `left alone ${name}`),
    ]);
    for (const path of own) expect(await read(join(agentDir, path))).toBe("mine");
    expect(await namesIn("skills/_hub")).toEqual(["hub"]);
    for (const name of ["a", "b", "c"]) await ask("DELETE", `/items/${name}`);
    await sync();
    for (const path of own) expect(await read(join(agentDir, path))).toBe("mine");
  });

  test("one that somebody makes under a name of the hub's takes its place", async () => {
    await publish("a", "hub's");
    await sync();
    await put(join(agentDir, "skills/a/SKILL.md"), "mine");
    expect(await sync()).toEqual(["left alone a"]);
    expect(await namesIn("skills/_hub")).toEqual([]);
    expect((await reported()).skills).toEqual([]);
  });

  test("what was edited in the hub's folder is kept aside, and files beside it stay", async () => {
    await publish("a", "1");
    await sync();
    await writeFile(skillFile("a"), "my edit");
    await writeFile(skillFile("a", "notes.txt"), "my notes");
    await publish("a", "2");
    expect(await sync()).toEqual(["updated a"]);
    const edited = skillFile("a", `SKILL.md.edited-${sha256("my edit").slice(7, 15)}`);
    expect([await read(skillFile("a")), await read(edited)]).toEqual(["2", "my edit"]);
    await ask("DELETE", "/items/a");
    expect(await sync()).toEqual(["removed a"]);
    expect([await read(skillFile("a")), await read(edited), await read(skillFile("a", "notes.txt"))]).toEqual(
      [null, "my edit", "my notes"],
    );
    expect(await sync()).toEqual([]);
    await publish("a", "3");
    expect(await sync()).toEqual(["installed a"]);
    expect([await read(skillFile("a")), await read(edited)]).toEqual(["3", "my edit"]);
  });
});

describe("links (spec §7)", () => {
  test.each(["skills/_hub", "skills/_hub/a", "skills/_hub/a/SKILL.md"])(
    "%s that leads elsewhere changes nothing there",
    async (path) => {
      const elsewhere = await mkdtemp(join(tmpdir(), "reef-elsewhere-"));
      try {
        await put(join(elsewhere, "SKILL.md"), "theirs");
        const target = path.endsWith(".md") ? join(elsewhere, "SKILL.md") : elsewhere;
        await mkdir(dirname(join(agentDir, path)), { recursive: true });
        await symlink(target, join(agentDir, path));
        await publish("a", "1");
        const outcomes = await createSync()
          .run()
          .catch((error: Error) => error.message);
        if (path.endsWith(".md")) expect(await read(skillFile("a"))).toBe("1");
        else expect(JSON.stringify(outcomes)).toContain("is no folder, and links are not followed");
        await ask("DELETE", "/items/a");
        await createSync()
          .run()
          .catch(() => undefined);
        expect(await readdir(elsewhere)).toEqual(["SKILL.md"]);
        expect(await read(join(elsewhere, "SKILL.md"))).toBe("theirs");
      } finally {
        await rm(elsewhere, { recursive: true });
      }
    },
  );
});

describe("a hub that is hostile or broken (spec §7)", () => {
  const updates = (...given: object[]) => {
    instead = (request) => (request.url.endsWith("/sync") ? Response.json({ updates: given }) : undefined);
  };
  const install = (name: string) => ({ type: "skill", name, version: 1, action: "install" });

  test.each(["../evil", "..", "a/../../b", "/etc/x", ".hidden", "a..b", "_hub", "", "a\\b", "\u0000"])(
    "the name %j leads nowhere",
    async (name) => {
      await publish("fine", "1");
      updates(install(name), install("fine"), { ...install(name), action: "remove" });
      expect(await sync()).toEqual([`failed ${name}`, "installed fine"].sort());
      expect((await readdir(agentDir, { recursive: true })).sort()).toEqual([
        "skills",
        "skills/_hub",
        ...["", "/.hash", "/.version", "/SKILL.md"].map((file) => `skills/_hub/fine${file}`),
      ]);
      expect(asked.filter((line) => line.startsWith("GET"))).toEqual(["GET /skills/items/fine"]);
    },
  );

  const item = { name: "a", version: 2, content: "evil", hash: sha256("good"), enabled: true };
  test.each([
    ["another hash", item],
    ["another name", { ...item, hash: sha256("evil"), name: "b" }],
    ["no content", { ...item, content: 5 }],
    ["no version", { ...item, hash: sha256("evil"), version: "../x" }],
    ["too much", { ...item, content: "x".repeat(1_000_001), hash: sha256("x".repeat(1_000_001)) }],
    ["an endless answer", { ...item, more: "x".repeat(20_000_000) }],
  ])("an item with %s leaves what is there, and the others are taken", async (_what, answer) => {
    await publish("a", "1");
    await sync();
    await publish("a", "2");
    await publish("b", "1");
    instead = (request) => (request.url.endsWith("/items/a") ? Response.json(answer) : undefined);
    expect(await sync()).toEqual(["failed a", "installed b"]);
    expect([await read(skillFile("a")), await read(skillFile("a", ".version"))]).toEqual(["1", "1"]);
    expect(await namesIn("skills/_hub")).toEqual(["a", "b"]);
  });

  test("a hash that the sync names binds the content, too", async () => {
    await publish("a", "1");
    updates({ ...install("a"), hash: sha256("2") });
    expect(await sync()).toEqual(["failed a"]);
  });

  test("removes only what it has given", async () => {
    await put(skillFile("mine"), "mine");
    updates({ ...install("mine"), action: "remove" });
    expect(await sync()).toEqual([]);
    expect(await read(skillFile("mine"))).toBe("mine");
  });

  test.each([
    ["no server", () => Response.error()],
    ["a refusal", () => Response.json({ error: "no", code: "unauthorized" }, { status: 401 })],
    ["a failure", () => Response.json({ error: "internal service error" }, { status: 500 })],
    ["a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["something else", () => Response.json({ updates: [{ type: "skill" }] })],
    ["a list of nothing", () => Response.json([])],
  ])("%s changes nothing", async (what, answer) => {
    await publish("a", "1");
    await sync();
    await publish("a", "2");
    if (what === "no server") await server.stop(true);
    instead = answer;
    await expect(createSync().run()).rejects.toThrow();
    expect(await read(skillFile("a"))).toBe("1");
    instead = undefined;
    if (what === "no server") serve(0);
    expect(await sync()).toEqual(["updated a"]);
  });

  test("a server that goes away in the middle leaves what was done and what was there", async () => {
    for (const name of ["a", "b"]) await publish(name, "1");
    await sync();
    for (const name of ["a", "b"]) await publish(name, "2");
    instead = (request) =>
      request.url.endsWith("/items/b") ? Response.json({ error: "gone" }, { status: 503 }) : undefined;
    await expect(createSync().run()).rejects.toThrow("the SkillHub said: gone (503)");
    expect([await read(skillFile("a")), await read(skillFile("b"))]).toEqual(["2", "1"]);
  });
});

test("what a killed process left is cleared away, what another has just begun is not", async () => {
  await publish("a", "1");
  await sync();
  const [old, fresh] = [".tmp-old", ".tmp-new"].map((name) => join(agentDir, "skills/_hub", name));
  for (const path of [old, fresh]) await put(join(path ?? "", "SKILL.md"), "half");
  await utimes(old ?? "", 0, 0);
  await sync();
  expect(await namesIn("skills/_hub")).toEqual([".tmp-new", "a"]);
});

test("what the disk refuses is a failure of that item alone", async () => {
  await put(join(agentDir, "skills/_hub/a"), "a file where a folder should be");
  await put(join(skillFile("b"), "file"), "a folder where a file should be");
  for (const name of ["a", "b", "c"]) await publish(name, "1");
  expect(await sync()).toEqual(["failed a", "failed b", "installed c"]);
  expect(await read(join(agentDir, "skills/_hub/a"))).toBe("a file where a folder should be");
  expect(await read(join(skillFile("b"), "file"))).toBe("a folder where a file should be");
});

test("two at once leave whole items", async () => {
  for (const name of ["a", "b", "c", "d"]) await publish(name, `${name}${"x".repeat(10_000)}`);
  await Promise.all([1, 2, 3].map(() => createSync().run()));
  const left = await sync();
  expect(left).toHaveLength(4);
  for (const name of ["a", "b", "c", "d"])
    expect(await read(skillFile(name))).toBe(`${name}${"x".repeat(10_000)}`);
  expect(await namesIn("skills/_hub")).toEqual(["a", "b", "c", "d"]);
  for (const name of ["a", "b", "c", "d"])
    expect(await namesIn(`skills/_hub/${name}`)).toEqual([".hash", ".version", "SKILL.md"]);
});

test("the tool's text counts, and names who (spec §7)", () => {
  const outcomes: Outcome[] = [
    { type: "skill", name: "a", state: "installed" },
    { type: "extension", name: "b", state: "installed" },
    { type: "skill", name: "c", state: "unchanged" },
    { type: "skill", name: "d", state: "left alone" },
    { type: "skill", name: "e", state: "failed", reason: "no" },
  ];
  expect(textOf(outcomes)).toBe(
    [
      "installed 2, updated 0, removed 0, unchanged 1",
      "failed: e: no",
      "installed: a, b (extension)",
      "unchanged: c",
      "left alone: d",
    ].join("\n"),
  );
});

describe("a session (spec §7, §15)", () => {
  let nowMs: number;
  let problems: string[];
  let hubs: number;
  const begin = (): SkillSession => {
    nowMs = 0;
    problems = [];
    hubs = 0;
    return createSkillSession({
      ...{ sync: createSync(), remote: remote(), signal: over.signal, now: () => nowMs },
      onHub: () => hubs++,
      onProblem: (text) => problems.push(text),
    });
  };
  const until = async (holds: () => unknown) => {
    const deadline = Date.now() + 20_000;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`It did not happen: ${asked.join(", ")}`);
      await Bun.sleep(10);
    }
  };
  const syncs = () => asked.filter((line) => line === "POST /skills/sync").length;

  test("takes every change by stream, and what it missed when it is back", async () => {
    const session = begin();
    await session.start();
    expect(hubs).toBe(1);
    await publish("a", "1");
    await until(async () => (await read(skillFile("a"))) === "1");
    await publish("a", "2");
    await until(async () => (await read(skillFile("a"))) === "2");
    await ask("PATCH", "/items/a", { enabled: false });
    await until(async () => (await read(skillFile("a"))) === null);
    const { port } = server;
    await server.stop(true);
    await publish("b", "1");
    serve(port ?? 0);
    await until(async () => (await read(skillFile("b"))) === "1");
    expect(hubs).toBe(1);
    over.abort();
  });

  test("syncs before a turn when the last time is a minute ago", async () => {
    instead = (request) =>
      request.url.endsWith("/stream") ? new Response(null, { status: 503 }) : undefined;
    const session = begin();
    await session.start();
    expect(syncs()).toBe(1);
    nowMs = 59_999;
    session.turn();
    await publish("a", "1");
    nowMs = 60_000;
    session.turn();
    session.turn();
    await until(async () => (await read(skillFile("a"))) === "1");
    nowMs = 119_999;
    session.turn();
    await session.syncNow();
    expect(syncs()).toBe(4);
  });

  test("says what is wrong and goes on", async () => {
    instead = () => Response.json({ error: "internal service error" }, { status: 500 });
    const session = begin();
    await session.start();
    expect([problems, hubs]).toEqual([["the SkillHub said: internal service error (500)"], 0]);
    instead = undefined;
    await publish("a", "1");
    expect(shown((await session.syncNow()) ?? [])).toEqual(["installed a"]);
    expect(hubs).toBe(1);
  });

  test("says nothing more once it is over", async () => {
    const session = begin();
    const started = session.start();
    over.abort();
    await started;
    expect([problems, hubs]).toEqual([[], 0]);
  });
});
