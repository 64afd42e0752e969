// The installer over HTTP: real repositories, folders and archives come in, change and go.
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "#core/server.js";
import {
  archive,
  git,
  type Rig,
  removeFolders,
  repository,
  service,
  startRig,
  tarEntry,
  temporaryFolder,
  write,
} from "./rig.js";

type Server = Awaited<ReturnType<typeof createServer>>;

let rig: Rig<Server>;
beforeEach(async () => {
  rig = await startRig(createServer);
});
afterEach(() => rig.server.close());
afterAll(removeFolders);

const HASH = /^sha256:[0-9a-f]{64}$/;
const COMMIT = /^[0-9a-f]{40}$/;

const install = (body: object) => rig.ask("POST", "/install", body);
const update = (body: object) => rig.ask("POST", "/update", body);
const remove = (body: object) => rig.ask("POST", "/remove", body);
const installed = async () => (await rig.ask("GET", "/installed")).data.installed;
const lockText = () => readFileSync(join(rig.servicesDir, ".installer.json"), "utf8");
const names = () =>
  rig.server.registry
    .list()
    .map(({ name }) => name)
    .sort();

/** Another reef, as far as an export goes; `files` may change. */
function otherReef(files: Record<string, string>, token?: string) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const name = /^\/services\/export\/(\w+)$/.exec(new URL(request.url).pathname)?.[1];
      if (token && request.headers.get("authorization") !== `Bearer ${token}`)
        return Response.json({ error: "Unauthorized — invalid token" }, { status: 401 });
      if (name !== "hello") return Response.json({ error: `Module "${name}" not found` }, { status: 404 });
      return new Response(
        archive(...Object.entries(files).map(([path, text]) => tarEntry({ path: `there/${path}` }, text))),
      );
    },
  });
  return { from: server.url.origin, [Symbol.asyncDispose]: () => server.stop(true) };
}

describe("POST /installer/install", () => {
  test("clones a bare repository, and says what it is now (spec §7)", async () => {
    const { bare, dir } = await repository("hello.git", {
      "index.ts": service("hello"),
      "lib/a.ts": "export {};\n",
    });
    const commit = await git(dir, "rev-parse", "HEAD");
    const { status, data } = await install({ source: bare });
    expect(status).toBe(201);
    expect(data).toEqual({
      name: "hello",
      dirName: "hello",
      source: bare,
      type: "git",
      action: "installed",
      hash: expect.stringMatching(HASH),
      commit,
    });
    expect(await rig.said("hello")).toBe("hello");
    expect(readdirSync(join(rig.servicesDir, "hello")).sort()).toEqual(["index.ts", "lib"]);
    expect(rig.recorded).toEqual([
      {
        type: "service_installed",
        source: "installer",
        content: "service installed: hello",
        name: "hello",
        hash: data.hash,
        dirName: "hello",
        from: bare,
      },
    ]);
    expect(rig.server.registry.list().find(({ name }) => name === "hello")).toMatchObject({
      hash: data.hash,
      isolation: "none",
    });
  });

  test("clones a path that ends in .git, at a ref (spec §7)", async () => {
    const { dir, bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    await git(dir, "tag", "v1");
    await git(dir, "push", "--quiet", "origin", "v1");
    await commit({ "index.ts": service("hello", "two") });
    expect((await install({ source: `${dir}/.git`, name: "work" })).data).toMatchObject({
      type: "git",
      dirName: "work",
    });
    expect(await rig.said("hello")).toBe("two");
    await remove({ name: "work" });
    expect((await install({ source: `${bare}@v1` })).data).toMatchObject({
      dirName: "hello",
      source: `${bare}@v1`,
    });
    expect(await rig.said("hello")).toBe("one");
    await remove({ name: "hello" });
    const main = await install({ source: `${bare}@v1`, ref: "main" });
    expect(main.data.commit).toMatch(COMMIT);
    expect(await rig.said("hello")).toBe("two");
    expect(await installed()).toMatchObject([{ dirName: "hello", ref: "main", commit: main.data.commit }]);
  });

  test("links another folder, so that its edits are live by a reload (spec §7)", async () => {
    const folder = await write(join(temporaryFolder(), "hello"), { "index.ts": service("hello", "one") });
    const { status, data } = await install({ source: folder });
    expect([status, data.type, "commit" in data]).toEqual([201, "local", false]);
    expect(lstatSync(join(rig.servicesDir, "hello")).isSymbolicLink()).toBe(true);
    await write(folder, { "index.ts": service("hello", "two") });
    await rig.server.registry.replace("hello");
    expect(await rig.said("hello")).toBe("two");
    expect(await installed()).toMatchObject([{ type: "local", hash: data.hash, modified: true }]);
    expect(await update({ name: "hello" })).toMatchObject({
      status: 400,
      data: { error: '"hello" is a local link — updates are automatic', code: "bad_request" },
    });
    await remove({ name: "hello" });
    expect(readdirSync(folder)).toEqual(["index.ts"]);
  });

  test("finds a relative path where the server works (spec §7)", async () => {
    await write(join(rig.folder, "near/hello"), { "index.ts": service("hello") });
    await rig.server.close();
    rig = await startRig(createServer, { folder: rig.folder, config: { dir: join(rig.folder, "near") } });
    expect(await install({ source: "./hello" })).toMatchObject({
      status: 201,
      data: { source: "./hello", type: "local" },
    });
    await remove({ name: "hello" });
    expect(await install({ source: "../near/hello" })).toMatchObject({ status: 201 });
  });

  test("copies an example, and leaves its data when it goes (spec §7)", async () => {
    const stockDir = join(rig.folder, "package/services");
    await write(join(stockDir, "../examples/services/hello"), {
      "index.ts": service("hello"),
      "README.md": "# hello\n\nSays hello\nto everybody. And more.\n",
    });
    await rig.server.close();
    rig = await startRig(createServer, { folder: rig.folder, config: { stockDir } });
    const examples = (isThere: boolean) => [
      { name: "hello", description: "Says hello to everybody.", installed: isThere },
    ];
    expect((await rig.ask("GET", "/examples")).data).toEqual({ examples: examples(false), count: 1 });
    expect(await install({ source: "example:hello" })).toMatchObject({
      status: 201,
      data: { type: "example", source: "example:hello" },
    });
    expect((await rig.ask("GET", "/examples")).data.examples).toEqual(examples(true));
    await write(rig.dataDir, { "hello.json": "{}" });
    expect(await remove({ name: "hello" })).toMatchObject({ status: 200 });
    expect(readdirSync(rig.dataDir)).toContain("hello.json");
    expect(await install({ source: "example:absent" })).toMatchObject({
      status: 400,
      data: { error: 'No example "absent". There are: hello' },
    });
  });

  test("fetches from another reef, with its token, which is kept nowhere (spec §7)", async () => {
    await using other = otherReef({ "index.ts": service("hello", "one") }, "for-the-other");
    const { from } = other;
    expect(await install({ from, name: "hello" })).toMatchObject({
      status: 400,
      data: { error: `${from.slice("http://".length)} answered 401: Unauthorized — invalid token` },
    });
    const { status, data } = await install({
      from,
      name: "hello",
      token: "for-the-other",
      seed: "sha256:seed",
    });
    expect(status).toBe(201);
    expect(data).toEqual({
      name: "hello",
      dirName: "hello",
      from,
      type: "fleet",
      action: "installed",
      hash: expect.stringMatching(HASH),
    });
    expect(await rig.said("hello")).toBe("one");
    expect(await installed()).toMatchObject([
      { source: `${from}#hello`, type: "fleet", seed: "sha256:seed", modified: false },
    ]);
    expect(lockText() + JSON.stringify(rig.recorded)).not.toContain("for-the-other");
  });

  test("takes a hash that the content has to have, and runs nothing else (spec §7)", async () => {
    const canary = join(rig.folder, "CANARY");
    const source = `await Bun.write(${JSON.stringify(canary)}, "");\n${service("hello")}`;
    const { bare } = await repository("hello.git", { "index.ts": source });
    expect(await install({ source: bare, hash: "abc" })).toMatchObject({
      status: 400,
      data: { error: expect.stringMatching(/^Hash mismatch: expected abc, got sha256:/) },
    });
    const refusal = await install({ source: bare, hash: `sha256:${"0".repeat(64)}` });
    expect(refusal.status).toBe(400);
    const [, hash = ""] =
      /^Hash mismatch: expected sha256:0+, got (sha256:\w+)$/.exec(refusal.data.error) ?? [];
    expect(await Bun.file(canary).exists()).toBe(false);
    expect(await install({ source: bare, hash })).toMatchObject({ status: 201, data: { hash } });
    expect(await Bun.file(canary).exists()).toBe(true);
  });

  test("gives a service the packages that it asks for (spec §7)", async () => {
    const { bare } = await repository("hello.git", {
      "package.json": JSON.stringify({ name: "hello", dependencies: { inner: "file:./inner" } }),
      "inner/package.json": JSON.stringify({ name: "inner", version: "1.0.0", main: "index.js" }),
      "inner/index.js": 'export const says = "from a package";\n',
      "index.ts": `import { says } from "inner";\n${service("hello").replace('"hello"))', "says))")}`,
    });
    const { status, data } = await install({ source: bare });
    expect([status, data.error]).toEqual([201, undefined]);
    expect(await rig.said("hello")).toBe("from a package");
    expect(await installed()).toMatchObject([{ modified: false }]);
  });

  test("leaves out what is no part of a service (spec §6.2)", async () => {
    const { bare } = await repository("hello.git", {
      "index.ts": service("hello"),
      "node_modules/evil/index.js": "",
      "lib/node_modules/evil/index.js": "",
      "lib/a.ts": "",
      "data/seed.json": "",
      "lib/data/code.ts": "",
    });
    await install({ source: bare });
    const files = readdirSync(join(rig.servicesDir, "hello"), { recursive: true }).map(String).sort();
    expect(files).toEqual(["index.ts", "lib", "lib/a.ts", "lib/data", "lib/data/code.ts"]);
  });

  test("shows its steps to who asks for a stream (spec §6.2)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const streamed = async (body: object) => {
      const headers = { Accept: "text/event-stream" };
      const response = await rig.send("/installer/install", {
        method: "POST",
        body: JSON.stringify(body),
        headers,
      });
      const frames = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
      return frames.map((line) => JSON.parse(line.slice("data: ".length)));
    };
    const frames = await streamed({ source: bare });
    expect(
      frames.filter(({ type }) => type === "step").map(({ step, status }) => `${step} ${status}`),
    ).toEqual([
      ...[
        "fetch running",
        "fetch passed",
        "check running",
        "check passed",
        "packages running",
        "packages skipped",
      ],
      ...["import running", "import passed", "load running", "load passed"],
    ]);
    expect(frames.at(-1)).toMatchObject({
      type: "result",
      status: 201,
      body: { name: "hello", type: "git", action: "installed" },
    });
    const failed = await streamed({ source: bare, name: "again", ref: "absent" });
    expect(failed.at(-2)).toMatchObject({ type: "step", step: "fetch", status: "failed" });
    expect(failed.at(-1)).toMatchObject({ type: "result", status: 400, body: { code: "bad_request" } });
    expect(failed.at(-1).body.error).toContain("absent");
    expect((await streamed({ source: bare })).at(-1)).toMatchObject({ type: "result", status: 409 });
  });

  test("by a task, is recorded as one for a process of its own; by nobody without scope admin (spec §5.8)", async () => {
    await rig.server.close();
    const resolveToken = (token: string) => ({
      kind: "task" as const,
      taskId: "t",
      scopes: token === "rt_admin" ? ["admin"] : ["modules", "submit", "deploy"],
    });
    rig = await startRig(createServer, { folder: rig.folder, resolveToken, config: { isolate: "none" } });
    const as = async (token: string, name: string) => {
      const { bare } = await repository(`${name}.git`, { "index.ts": service(name) });
      const headers = { Authorization: `Bearer ${token}` };
      return rig.send("/installer/install", {
        method: "POST",
        body: JSON.stringify({ source: bare }),
        headers,
      });
    };
    const refused = await as("rt_other", "other");
    expect([refused.status, (await refused.json()).error]).toEqual([
      403,
      'Forbidden — scope "admin" is required',
    ]);
    expect((await as("rt_admin", "one")).status).toBe(201);
    const { bare } = await repository("two.git", { "index.ts": service("two") });
    expect((await install({ source: bare })).status).toBe(201);
    const records = JSON.parse(readFileSync(join(rig.dataDir, "modules.json"), "utf8"));
    expect([records.one.isolation, records.two.isolation]).toEqual(["process", "none"]);
  });
});

describe("an Idempotency-Key (spec §2.7)", () => {
  const keyed = async (body: object, key = "key", headers: Record<string, string> = {}) => {
    const init = {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Idempotency-Key": key, ...headers },
    };
    const response = await rig.send("/installer/install", init);
    return { response, text: await response.text() };
  };

  test("gives the first answer again, also after a restart and a removal", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const first = await keyed({ source: bare });
    await rig.server.close();
    rig = await startRig(createServer, { folder: rig.folder });
    await remove({ name: "hello" });
    const again = await keyed({ source: bare });
    expect([again.response.status, again.text]).toEqual([201, first.text]);
    expect([first, again].map(({ response }) => response.headers.get("idempotency-replayed"))).toEqual([
      null,
      "true",
    ]);
    expect(await installed()).toEqual([]);
    expect((await keyed({ source: bare, name: "other" })).response.status).toBe(409);
    expect((await keyed({ source: bare }, "another")).response.status).toBe(201);
  });

  test("is free again after a refusal, and counts for streams too", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": "broken" });
    expect((await keyed({ source: bare })).response.status).toBe(400);
    await commit({ "index.ts": service("hello") });
    const headers = { Accept: "text/event-stream" };
    expect((await keyed({ source: bare }, "key", headers)).text).toContain('"status":201');
    expect((await keyed({ source: bare }, "key", headers)).text).toContain('"replayed":true');
    expect((await keyed({ source: bare })).response.headers.get("idempotency-replayed")).toBe("true");
  });

  test("of two at the same time works once", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const [one, two] = await Promise.all([keyed({ source: bare }), keyed({ source: bare })]);
    expect([one?.response.status, two?.response.status, one?.text]).toEqual([201, 201, two?.text ?? ""]);
    expect(rig.recorded).toHaveLength(1);
  });

  test("whose answer was lost finds what was installed", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const first = await keyed({ source: bare });
    await rig.server.close();
    // As a reef that was killed between the work and its answer has left it.
    const keys = new Database(join(rig.dataDir, "installer_idempotency.sqlite"));
    keys.run("UPDATE keys SET status = NULL, body = NULL");
    keys.close();
    rig = await startRig(createServer, { folder: rig.folder });
    const again = await keyed({ source: bare });
    expect([again.response.status, again.text]).toEqual([201, first.text]);
    expect(again.response.headers.get("idempotency-replayed")).toBe("true");
    expect(rig.recorded).toEqual([]);
  });
});

describe("what is there already is 409 and stays (spec §7)", () => {
  const hello = () => repository("hello.git", { "index.ts": service("hello") });

  test("an installed service", async () => {
    const { bare } = await hello();
    await install({ source: bare });
    const before = await rig.state();
    for (const body of [{ source: bare }, { source: bare, name: "again" }])
      expect(await install(body)).toMatchObject({ status: 409, data: { code: "conflict" } });
    expect(await rig.state()).toEqual(before);
  });

  test("a folder, a link that leads nowhere, a file", async () => {
    const { bare } = await hello();
    await write(join(rig.servicesDir, "folder"), { "notes.txt": "mine" });
    await write(rig.servicesDir, { file: "mine" });
    await Bun.$`ln -s /nowhere ${join(rig.servicesDir, "link")}`.quiet();
    const before = await rig.state();
    for (const name of ["folder", "file", "link"])
      expect(await install({ source: bare, name })).toMatchObject({
        status: 409,
        data: { error: `There is a folder "${name}" already` },
      });
    expect(await rig.state()).toEqual(before);
  });

  test("a live module, under its folder's name or its own", async () => {
    const { bare } = await hello();
    await write(join(rig.servicesDir, "other"), { "index.ts": service("hello", "mine") });
    await rig.server.registry.load("other");
    const before = await rig.state();
    expect(await install({ source: bare })).toMatchObject({
      status: 409,
      data: { error: 'A module "hello" is live already' },
    });
    expect(await install({ source: bare, name: "fresh" })).toMatchObject({
      status: 409,
      data: { error: 'A module "hello" is live already' },
    });
    expect(await rig.state()).toEqual(before);
    expect(await rig.said("hello")).toBe("mine");
  });

  test("a stock service, live or not", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("store") });
    const before = await rig.state();
    for (const name of ["store", "installer", "fresh"])
      expect((await install({ source: bare, name })).status).toBe(409);
    expect(await rig.state()).toEqual(before);
  });
});

describe("POST /installer/update", () => {
  test("brings the newest commit in, while the old version serves until then (spec §7)", async () => {
    const { bare, commit } = await repository("hello.git", {
      "index.ts": service("hello", "one"),
      "old.ts": "",
    });
    const first = (await install({ source: bare, seed: "sha256:seed" })).data;
    const newest = await commit({ "index.ts": service("hello", "two"), "new.ts": "" });
    const { status, data } = await update({ name: "hello" });
    expect(status).toBe(200);
    expect(data).toEqual({
      name: "hello",
      dirName: "hello",
      action: "updated",
      hash: expect.stringMatching(HASH),
      commit: newest,
      changed: true,
    });
    expect(data.hash).not.toBe(first.hash);
    expect(await rig.said("hello")).toBe("two");
    expect(rig.recorded.at(-1)).toMatchObject({
      type: "service_updated",
      content: "service updated: hello",
      name: "hello",
      hash: data.hash,
      previousHash: first.hash,
    });
    const [entry] = await installed();
    expect(entry).toMatchObject({ commit: newest, hash: data.hash, seed: "sha256:seed", modified: false });
    expect(entry.updatedAt >= entry.installedAt).toBe(true);
    expect(readdirSync(rig.servicesDir).sort()).toEqual([".installer.json", "hello"]);
  });

  test("changes nothing when there is nothing new (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const { data } = await install({ source: bare });
    const before = await rig.state();
    rig.recorded.length = 0;
    expect(await update({ name: "hello" })).toEqual({
      status: 200,
      data: {
        name: "hello",
        dirName: "hello",
        action: "updated",
        hash: data.hash,
        commit: data.commit,
        changed: false,
      },
    });
    expect(await rig.state()).toEqual(before);
    expect(rig.recorded).toEqual([]);
  });

  test("notes a new commit with the same content, and loads nothing (spec §7)", async () => {
    const { bare, dir } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    await git(dir, "commit", "--quiet", "--allow-empty", "-m", "nothing");
    await git(dir, "push", "--quiet", "origin", "HEAD:main");
    const commit = await git(dir, "rev-parse", "HEAD");
    expect((await update({ name: "hello" })).data).toMatchObject({ commit, changed: false });
    expect(await installed()).toMatchObject([{ commit }]);
  });

  test("leaves what was changed locally, unless forced (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello", "theirs") });
    await install({ source: bare });
    await write(join(rig.servicesDir, "hello"), { "index.ts": service("hello", "mine") });
    await rig.server.registry.replace("hello");
    const before = await rig.state();
    expect(await installed()).toMatchObject([{ modified: true }]);
    expect(await update({ name: "hello" })).toMatchObject({
      status: 409,
      data: { error: '"hello" was changed locally' },
    });
    expect(await rig.state()).toEqual(before);
    expect((await update({ name: "hello", force: true })).data).toMatchObject({ changed: true });
    expect(await rig.said("hello")).toBe("theirs");
    expect(await installed()).toMatchObject([{ modified: false }]);
  });

  test("brings a folder back that somebody deleted, when forced (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    rmSync(join(rig.servicesDir, "hello"), { recursive: true });
    await rig.server.registry.reloadAll();
    expect(await rig.said("hello")).toContain("not found");
    expect(await installed()).toMatchObject([{ modified: true }]);
    expect((await update({ name: "hello" })).status).toBe(409);
    expect((await update({ name: "hello", force: true })).status).toBe(200);
    expect(await rig.said("hello")).toBe("hello");
  });

  test("keeps what the service has written into its folder's data", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    await install({ source: bare });
    await write(join(rig.servicesDir, "hello/data"), { "kept.json": "{}" });
    await commit({ "index.ts": service("hello", "two") });
    await update({ name: "hello" });
    expect(await rig.said("hello")).toBe("two");
    expect(readFileSync(join(rig.servicesDir, "hello/data/kept.json"), "utf8")).toBe("{}");
  });

  test("fetches from the other reef again, and from the example again (spec §7)", async () => {
    const files = { "index.ts": service("hello", "one") };
    await using other = otherReef(files, "for-the-other");
    await install({ from: other.from, name: "hello", token: "for-the-other" });
    files["index.ts"] = service("hello", "two");
    expect((await update({ name: "hello" })).status).toBe(400);
    expect((await update({ name: "hello", token: "for-the-other" })).data).toMatchObject({ changed: true });
    expect(await rig.said("hello")).toBe("two");
    expect((await update({ name: "hello", token: "for-the-other" })).data).toMatchObject({ changed: false });
  });

  test("follows a module that takes another name (spec §7)", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    await commit({ "index.ts": service("goodbye") });
    expect((await update({ name: "hello" })).data).toMatchObject({ name: "goodbye", dirName: "hello" });
    expect([await rig.said("goodbye"), names()]).toEqual(["goodbye", ["goodbye", "installer"]]);
    expect((await update({ name: "goodbye" })).status).toBe(200);
    expect((await update({ name: "hello" })).status).toBe(200);
    await commit({ "index.ts": service("installer") });
    expect((await update({ name: "hello" })).status).toBe(409);
  });

  test.each([
    ["does not parse", "export default {", "import error: "],
    ["throws at import", 'throw new Error("on purpose");', "import error: on purpose"],
    ["ends its process", "process.exit(3);", "import error: "],
    ["has no name", "export default {};", "default export missing 'name' property"],
    ["takes a reserved name", 'export default { name: "health" };', '"health" is a reserved service name'],
    ["takes a bad name", 'export default { name: "Bad" };', 'invalid name "Bad"'],
    [
      "throws in init",
      'export default { name: "hello", init() { throw new Error("on purpose"); } };',
      "init() failed: on purpose",
    ],
    [
      "misses a dependency",
      'export default { name: "hello", dependencies: ["absent"] };',
      'Missing dependency "absent"',
    ],
    ["has lost its index.ts", null, "No index.ts in hello/"],
  ])("to a version that %s changes nothing (spec §7)", async (_what, source, error) => {
    const { bare, commit, dir } = await repository("hello.git", {
      "index.ts": service("hello"),
      "more.ts": "",
    });
    await install({ source: bare });
    const before = await rig.state();
    rig.recorded.length = 0;
    if (source === null) await git(dir, "rm", "--quiet", "index.ts");
    await commit(source === null ? { "more.ts": "changed" } : { "index.ts": source });
    const refusal = await update({ name: "hello" });
    expect(refusal).toMatchObject({ status: 400, data: { code: "bad_request" } });
    expect(refusal.data.error).toStartWith(error);
    expect(await rig.state()).toEqual(before);
    expect([await rig.said("hello"), rig.recorded]).toEqual(["hello", []]);
    expect(readdirSync(join(rig.dataDir, "installer"))).toEqual([]);
  });
});

describe("POST /installer/remove", () => {
  test("takes module, folder and entry out, under either name (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    for (const name of ["hello", "folder"]) {
      const { data } = await install({ source: bare, name: "folder" });
      expect(await remove({ name })).toEqual({ status: 200, data: { dirName: "folder", action: "removed" } });
      expect(readdirSync(rig.servicesDir)).toEqual([".installer.json"]);
      expect([names(), await installed(), rig.server.registry.problems()]).toEqual([["installer"], [], []]);
      expect(rig.recorded.at(-1)).toMatchObject({
        type: "service_removed",
        source: "installer",
        content: "service removed: hello",
        name: "hello",
        hash: data.hash,
      });
    }
  });

  test("leaves what others depend on, unless forced (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    await write(join(rig.servicesDir, "user"), {
      "index.ts": service("user", "user", 'dependencies: ["hello"]'),
    });
    await rig.server.registry.load("user");
    const before = await rig.state();
    expect(await remove({ name: "hello" })).toMatchObject({
      status: 409,
      data: { error: 'Cannot remove "hello": required by user', code: "conflict", dependents: ["user"] },
    });
    expect(await rig.state()).toEqual(before);
    expect((await remove({ name: "hello", force: true })).status).toBe(200);
    expect(names()).toEqual(["installer"]);
    expect(rig.server.registry.problems()).toMatchObject([
      { dir: "user", state: "unmet", missing: ["hello"] },
    ]);
    await install({ source: bare });
    expect(names()).toEqual(["hello", "installer", "user"]);
  });

  test("takes the link alone, whatever it leads to, and no folder in its place (spec §7)", async () => {
    const folder = await write(join(temporaryFolder(), "hello"), { "index.ts": service("hello") });
    await install({ source: folder });
    rmSync(folder, { recursive: true });
    expect((await remove({ name: "hello" })).status).toBe(200);
    await write(folder, { "index.ts": service("hello") });
    await install({ source: folder });
    rmSync(join(rig.servicesDir, "hello"));
    await write(join(rig.servicesDir, "hello"), { "index.ts": service("hello", "mine") });
    expect(await remove({ name: "hello" })).toMatchObject({
      status: 409,
      data: { error: '"hello" is no link any more' },
    });
    expect(readdirSync(join(rig.servicesDir, "hello"))).toEqual(["index.ts"]);
  });

  test("also clears away what somebody unloaded or deleted", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    await rig.server.registry.unload("hello");
    expect((await remove({ name: "hello" })).status).toBe(200);
    expect(rig.server.registry.problems()).toEqual([]);
    await install({ source: bare });
    rmSync(join(rig.servicesDir, "hello"), { recursive: true });
    expect((await remove({ name: "hello" })).status).toBe(200);
    expect([names(), await installed()]).toEqual([["installer"], []]);
  });
});

describe("the lists", () => {
  test("show what is installed, by folder name (spec §7)", async () => {
    expect((await rig.ask("GET", "/installed")).data).toEqual({ installed: [], count: 0 });
    const one = await repository("one.git", { "index.ts": service("first") });
    const two = await repository("two.git", { "index.ts": service("second") });
    await install({ source: two.bare });
    const { data } = await install({ source: one.bare, ref: "main", seed: "sha256:seed" });
    const answer = (await rig.ask("GET", "/installed")).data;
    expect(answer.count).toBe(2);
    expect(answer.installed[0]).toEqual({
      dirName: "one",
      name: "first",
      source: one.bare,
      type: "git",
      installedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      ref: "main",
      commit: data.commit,
      hash: data.hash,
      seed: "sha256:seed",
      modified: false,
    });
    expect(answer.installed[1]).toMatchObject({ dirName: "two", name: "second" });
    expect(JSON.parse(lockText()).services.one).toMatchObject({
      source: one.bare,
      ref: "main",
      commit: data.commit,
      hash: data.hash,
    });
  });

  test("show seeds with their services, as long as there are any (spec §7)", async () => {
    for (const name of ["a", "b", "c"]) {
      const { bare } = await repository(`${name}.git`, { "index.ts": service(name) });
      await install({ source: bare, seed: name === "c" ? undefined : "sha256:seed" });
    }
    const { data } = await rig.ask("GET", "/seeds");
    expect(data).toEqual({
      seeds: [{ seed: "sha256:seed", services: ["a", "b"], installedAt: expect.any(String) }],
      count: 1,
    });
    await remove({ name: "a" });
    await remove({ name: "b" });
    expect((await rig.ask("GET", "/seeds")).data).toEqual({ seeds: [], count: 0 });
  });

  test("are the same after a restart, and so is what is live (spec §7)", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await install({ source: bare });
    const before = await installed();
    await rig.server.close();
    rig = await startRig(createServer, { folder: rig.folder });
    expect([await installed(), await rig.said("hello")]).toEqual([before, "hello"]);
  });
});

describe("at the same time (spec §7)", () => {
  test("of ten installs of one name one wins", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const answers = await Promise.all(Array.from({ length: 10 }, () => install({ source: bare })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    expect(await installed()).toMatchObject([{ dirName: "hello", modified: false }]);
  });

  test("of two folders with one module one wins", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const answers = await Promise.all(["one", "two"].map((name) => install({ source: bare, name })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(readdirSync(rig.servicesDir)).toHaveLength(2);
  });

  test("different services do not wait for each other, and none is lost", async () => {
    const sources = await Promise.all(
      ["a", "b", "c", "d"].map((name) => repository(`${name}.git`, { "index.ts": service(name) })),
    );
    const answers = await Promise.all(sources.map(({ bare }) => install({ source: bare })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect((await installed()).map(({ dirName }: { dirName: string }) => dirName)).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });

  test("updates and removals of one service come one after the other", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    await install({ source: bare });
    await commit({ "index.ts": service("hello", "two") });
    const updates = await Promise.all(Array.from({ length: 3 }, () => update({ name: "hello" })));
    expect(updates.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(updates.filter(({ data }) => data.changed)).toHaveLength(1);
    const removals = await Promise.all(Array.from({ length: 3 }, () => remove({ name: "hello" })));
    expect(removals.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
  });
});

describe("what fails late is undone (spec §7)", () => {
  test("when the lock cannot be written", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    await install({ source: bare });
    await commit({ "index.ts": service("hello", "two") });
    await mkdir(join(rig.servicesDir, ".installer.json.next"));
    const before = await rig.state();
    expect((await update({ name: "hello" })).status).toBe(500);
    expect((await install({ source: bare, name: "again" })).status).toBe(409);
    expect((await remove({ name: "hello" })).status).toBe(500);
    expect(await rig.state()).toEqual(before);
    expect(await rig.said("hello")).toBe("one");
  });

  test("when the event cannot be recorded", async () => {
    await rig.server.close();
    let isFull = false;
    const record = async () => {
      if (isFull) throw Object.assign(new Error("disk full"), { code: "ENOSPC" });
      return null;
    };
    rig = await startRig(createServer, { folder: rig.folder, record });
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    const other = await repository("other.git", { "index.ts": service("other") });
    await install({ source: bare });
    await commit({ "index.ts": service("hello", "two") });
    isFull = true;
    const before = await rig.state();
    for (const answer of [
      await update({ name: "hello" }),
      await install({ source: other.bare }),
      await remove({ name: "hello" }),
    ])
      expect(answer).toMatchObject({
        status: 507,
        data: { error: "storage unavailable", code: "insufficient_storage" },
      });
    expect(await rig.state()).toEqual(before);
    expect(await rig.said("hello")).toBe("one");
  });

  test("a lock that somebody has damaged is not written over", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    for (const text of [
      "{",
      "[]",
      '{"version":1,"services":{"../../evil":{}}}',
      '{"version":2,"services":{}}',
    ]) {
      await write(rig.servicesDir, { ".installer.json": text });
      for (const answer of [
        await install({ source: bare }),
        await update({ name: "hello" }),
        await rig.ask("GET", "/installed"),
      ])
        expect(answer).toMatchObject({
          status: 409,
          data: { error: expect.stringContaining(".installer.json") },
        });
      expect(lockText()).toBe(text);
    }
    expect(names()).toEqual(["installer"]);
  });
});

test("when the server goes down in the middle, the work ends and nothing of it stays (spec §1.4)", async () => {
  const programs = join(rig.folder, "programs");
  const pids = join(rig.folder, "pids");
  await write(programs, {
    git: `#!/bin/sh\necho $$ > ${pids}.half && mv ${pids}.half ${pids}\nexec sleep 4712\n`,
  });
  await Bun.$`chmod +x ${join(programs, "git")}`.quiet();
  await rig.server.close();
  rig = await startRig(createServer, {
    folder: rig.folder,
    config: { baseEnv: { PATH: `${programs}:/usr/bin:/bin` } },
  });
  const installing = install({ source: "https://git.example.org/hello" });
  while (!(await Bun.file(pids).exists())) await Bun.sleep(10);
  await rig.server.close();
  expect(await installing).toMatchObject({ status: 503, data: { error: "The installer is going down" } });
  const [pid = ""] = (await Bun.file(pids).text()).trim().split("\n");
  expect(Bun.spawnSync(["ps", "-o", "stat=", "-p", pid]).stdout.toString()).not.toMatch(/^[^Z\s]/);
  expect([readdirSync(rig.servicesDir), readdirSync(join(rig.dataDir, "installer"))]).toEqual([[], []]);
});
