// What the installer refuses: every field of every route wrong, every hostile source, ref, name, host and archive. Each is
// answered, nothing of it is run, and nothing of it stays.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
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
  write,
} from "./rig.js";

let rig: Rig<Awaited<ReturnType<typeof createServer>>>;
let other: Bun.Server<undefined>;
/** What the other reef sends. */
let sent: () => Response;
beforeAll(async () => {
  other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => sent() });
  rig = await startRig(createServer);
  const { bare } = await repository("kept.git", { "index.ts": service("kept") });
  await rig.ask("POST", "/install", { source: bare });
});
afterAll(async () => {
  await rig.server.close();
  await other.stop(true);
  await removeFolders();
});

const canary = () => join(rig.folder, "CANARY");

/** All that a refused request could have changed; the kernel's own copies and trials come and go. */
async function world() {
  const { folder, dataDir, recorded } = rig;
  return {
    state: await rig.state(),
    recorded: [...recorded],
    around: [folder, dataDir].map((place) => readdirSync(place).filter(isOurs).sort()),
    staging: readdirSync(join(dataDir, "installer")),
    records: readFileSync(join(dataDir, "modules.json"), "utf8"),
  };
}

function isOurs(name: string): boolean {
  return !/^(trials|live|versions|cache|reef-)/.test(name);
}

async function refused(path: string, body: unknown, status = 400) {
  const before = await world();
  const answer = await rig.ask("POST", path, body);
  expect([answer.status, typeof answer.data.error, answer.data.code]).toEqual([
    status,
    "string",
    { 400: "bad_request", 404: "not_found", 409: "conflict" }[status],
  ]);
  expect(await world()).toEqual(before);
  expect(existsSync(canary())).toBe(false);
  return answer.data.error as string;
}

describe("a body (spec §2.6, §7)", () => {
  test.each<[string, unknown, string]>([
    ["/install", "", "source is required"],
    ["/install", "{", "Invalid JSON body"],
    ["/install", "[]", "Invalid JSON body"],
    ["/install", "null", "Invalid JSON body"],
    ["/install", '"source"', "Invalid JSON body"],
    ["/install", {}, "source is required"],
    ["/install", { source: null }, "source is required"],
    ["/install", { source: " " }, "source is required"],
    ["/install", { source: 1 }, "source must be a string"],
    ["/install", { source: ["user/hello"] }, "source must be a string"],
    ["/install", { source: "x".repeat(3_000) }, "source is longer than 2048 characters"],
    ["/install", { source: "user/hello", from: "http://host" }, "source and from exclude each other"],
    ["/install", { from: "http://127.0.0.1:1" }, "name is required"],
    ["/install", { from: 1, name: "hello" }, "from must be a string"],
    ["/install", { from: "http://127.0.0.1:1", name: 1 }, "name must be a string"],
    ["/install", { from: "http://127.0.0.1:1", name: "hello", token: 1 }, "token must be"],
    ["/install", { from: "http://127.0.0.1:1", name: "hello", token: "a b" }, "token must be"],
    ["/install", { from: "http://127.0.0.1:1", name: "hello", token: "a\r\nX-Evil: 1" }, "token must be"],
    ["/install", { source: "user/hello", ref: 1 }, "ref must be a string"],
    ["/install", { source: "user/hello", seed: {} }, "seed must be a string"],
    ["/install", { source: "user/hello", seed: "a\nb" }, "seed must be a string"],
    ["/install", { source: "user/hello", hash: 1 }, "hash must be a string"],
    ["/update", {}, "name is required"],
    ["/update", { name: 1 }, "name must be a string"],
    ["/update", { name: "kept", force: "yes" }, "force must be true or false"],
    ["/update", { name: "kept", token: [] }, "token must be"],
    ["/update", "{", "Invalid JSON body"],
    ["/remove", {}, "name is required"],
    ["/remove", { name: {} }, "name must be a string"],
    ["/remove", { name: "kept", force: 1 }, "force must be true or false"],
    ["/remove", "", "Invalid JSON body"],
  ])("POST /installer%s with %j", async (path, body, problem) => {
    expect(await refused(path, body)).toStartWith(problem);
  });

  test.each([["absent"], ["../kept"], ["__proto__"], ["constructor"], ["kept/"], ["-x"], ["a\nb"], ["."]])(
    "names nothing that is installed: %j",
    async (name) => {
      for (const path of ["/update", "/remove"])
        expect(await refused(path, { name }, 404)).toBe(`"${name}" is not installed via the installer`);
    },
  );

  test("is only for who may: nobody without a token", async () => {
    for (const [method, path] of [
      ["POST", "install"],
      ["POST", "update"],
      ["POST", "remove"],
      ["GET", "installed"],
      ["GET", "seeds"],
      ["GET", "examples"],
    ])
      expect((await rig.send(`/installer/${path}`, { method, headers: { Authorization: "" } })).status).toBe(
        401,
      );
  });
});

describe("a hostile source (spec §7, §13.15)", () => {
  test.each<[string, string]>([
    ["--upload-pack=touch CANARY", "must not begin with"],
    ["-u touch CANARY", "must not begin with"],
    [
      "ext::sh -c touch% CANARY",
      "Unsupported source: ext::sh -c touch% CANARY (use https, ssh or a local path)",
    ],
    ["fd::7/evil", "Unsupported source"],
    ["http://127.0.0.1:1/evil", "Unsupported source"],
    ["git://127.0.0.1:1/evil", "Unsupported source"],
    ["file:///etc", "Unsupported source"],
    ["ftp://127.0.0.1/evil", "Unsupported source"],
    ["a;touch CANARY", "Cannot parse source: a;touch CANARY"],
    ["user/$(touch CANARY)", "Cannot parse source"],
    ["user/`touch CANARY`", "Cannot parse source"],
    ["user/evil|touch CANARY", "Cannot parse source"],
    ["../x", "There is no folder ../x"],
    ["/etc/passwd", "There is no folder"],
    ["/nowhere/at/all", "There is no folder"],
    ["/etc", "No index.ts in etc/"],
    ["//", 'invalid name ""'],
    ["/", 'invalid name ""'],
    [`/${"x".repeat(1_000)}`, "There is no folder"],
    ["./a\u0000b", "must not hold control characters"],
    ["user/evil\ntouch CANARY", "must not hold control characters"],
    ["https://user:secret@127.0.0.1/evil", "must not hold credentials"],
    ["ssh://-oProxyCommand=touch CANARY/evil", "Cannot parse source"],
    ["git@-oProxyCommand=touch:evil", "Cannot parse source"],
    ["git@127.0.0.1:-evil", "Cannot parse source"],
    ["https://127.0.0.1:1/evil", "Cannot fetch https://127.0.0.1:1/evil: "],
    ["https://127.0.0.1:1/Evil", 'invalid name "Evil"'],
    ["https://127.0.0.1:1/..%2f..%2fevil", "invalid name"],
    ["ssh://git@127.0.0.1:1/evil", "Cannot fetch"],
    ["example:../../services/installer", 'invalid name "../../services/installer"'],
    ["example:absent", 'No example "absent"'],
    ["example:", 'invalid name ""'],
    ["user/evil@-x", "ref must not begin with"],
    ["user/evil@a:b", 'invalid ref "a:b"'],
  ])("%j", async (source, problem) => {
    expect(await refused("/install", { source })).toContain(problem);
  });

  test.each([
    ["--upload-pack=x"],
    ["a\u0007b"],
    ["main:refs/heads/x"],
    ["+main"],
    ["*"],
    ["a b"],
    [".."],
    ["@{u}"],
  ])("with the ref %j", async (ref) => {
    const { bare } = await repository("evil.git", { "index.ts": service("evil") });
    expect(await refused("/install", { source: bare, ref })).toMatch(/ref/);
  });

  test.each<[string, number]>([
    ["../evil", 400],
    ["..", 400],
    ["a/b", 400],
    [".hidden", 400],
    ["-x", 400],
    ["Evil", 400],
    ["e".repeat(65), 400],
    ["evil\u0000", 400],
    ["évil", 400],
    ["__proto__", 400],
    ["reef", 400],
    ["health", 400],
    ["mcp", 400],
    ["store", 409],
    ["kept", 409],
  ])("under the name %j", async (name, status) => {
    const { bare } = await repository("evil.git", {
      "index.ts": `await Bun.write(${JSON.stringify(canary())}, "");\n${service("evil")}`,
    });
    await refused("/install", { source: bare, name }, status);
  });

  test.each<[string, Record<string, string>, string]>([
    ["without index.ts", { "readme.md": "hello" }, "No index.ts in evil/"],
    ["with a folder in its place", { "index.ts/a": "" }, "No index.ts in evil/"],
    ["that does not parse", { "index.ts": "export default {" }, "import error: "],
    ["that ends the process that imports it", { "index.ts": "process.exit(0)" }, "import error: "],
    ["without a name", { "index.ts": "export default {}" }, "default export missing 'name' property"],
    [
      "with a name that is reserved",
      { "index.ts": service("health") },
      '"health" is a reserved service name',
    ],
    ["with a name that is none", { "index.ts": service("../evil") }, 'invalid name "../evil"'],
    [
      "that throws in init",
      { "index.ts": service("evil", "", 'init() { throw new Error("on purpose"); }') },
      "init() failed: on purpose",
    ],
    [
      "that misses a dependency",
      { "index.ts": service("evil", "", 'dependencies: ["absent"]') },
      'Missing dependency "absent"',
    ],
    [
      "with a package.json that is none",
      { "index.ts": service("evil"), "package.json": "{" },
      "package.json is not JSON",
    ],
    [
      "with packages that are not there",
      { "index.ts": service("evil"), "package.json": '{"dependencies":{"a":"file:./absent"}}' },
      "bun install failed",
    ],
  ])("of a repository %s", async (_what, files, problem) => {
    const { bare } = await repository("evil.git", files);
    expect(await refused("/install", { source: bare })).toStartWith(problem);
  });

  test.each([["/etc/passwd"], ["../../../../../etc"], ["/"], [".."], ["absent"], ["loop"]])(
    "of a repository with a link to %s",
    async (target) => {
      const { dir, bare, commit } = await repository("evil.git", { "index.ts": service("evil") });
      await symlink(target, join(dir, "loop"));
      await commit({});
      expect(await refused("/install", { source: bare })).toBe('"loop" is a link that leaves the folder');
    },
  );

  test("of a repository whose packages would be put elsewhere", async () => {
    const elsewhere = await write(join(rig.folder, "elsewhere"), { "mine.txt": "mine" });
    const { dir, bare, commit } = await repository("evil.git", {
      "index.ts": service("evil"),
      "package.json": '{"dependencies":{"inner":"file:./absent"}}',
    });
    await symlink(elsewhere, join(dir, "node_modules"));
    await commit({});
    await refused("/install", { source: bare });
    expect(readdirSync(elsewhere)).toEqual(["mine.txt"]);
  });

  test("of a folder with too many files, too large ones, or too much of it", async () => {
    const many = await write(join(rig.folder, "many"), { "index.ts": service("many") });
    await git(many, "init", "--quiet");
    for (let at = 0; at < 5_001; at++) await Bun.write(join(many, "files", String(at)), "");
    const large = await write(join(rig.folder, "large"), { "index.ts": service("large") });
    await git(large, "init", "--quiet");
    await Bun.write(join(large, "large.bin"), new Uint8Array(16 * 1024 * 1024 + 1));
    for (const [folder, problem] of [
      [many, "There are more than 5000 files and folders"],
      [large, '"large.bin" has more than 16777216 bytes'],
    ] as const) {
      await git(folder, "add", "--all");
      await git(folder, "commit", "--quiet", "-m", "all");
      expect(await refused("/install", { source: `${folder}/.git`, name: "evil" })).toBe(problem);
    }
    expect(await refused("/install", { source: many })).toStartWith("more than 5000 files in ");
  });
});

describe("a hostile other reef (spec §7, §13.15)", () => {
  test.each([
    ["http://169.254.169.254", "Address not allowed: 169.254.169.254"],
    ["http://10.0.0.1:3000", "Address not allowed: 10.0.0.1"],
    ["http://[::ffff:10.0.0.1]", "Address not allowed: [::ffff:a00:1]"],
    ["http://0.0.0.0", "Address not allowed: 0.0.0.0"],
    ["http://user:secret@127.0.0.1", "from must be http(s)://host[:port]"],
    ["http://127.0.0.1/path", "from must be http(s)://host[:port]"],
    ["http://127.0.0.1?x", "from must be http(s)://host[:port]"],
    ["ftp://127.0.0.1", "from must be http(s)://host[:port]"],
    ["//127.0.0.1", "from must be http(s)://host[:port]"],
    ["127.0.0.1", "from must be http(s)://host[:port]"],
    ["http://127.0.0.1:1", "Cannot reach 127.0.0.1:1: "],
  ])("from %s", async (from, problem) => {
    expect(await refused("/install", { from, name: "evil", token: "secret" })).toStartWith(problem);
  });

  test("on loopback, when reef itself is bound elsewhere", async () => {
    const wide = await startRig(createServer, { config: { host: "0.0.0.0" } });
    sent = () => new Response(archive(tarEntry({ path: "evil/index.ts" }, service("evil"))));
    for (const host of ["127.0.0.1", "0x7f.1", "localhost", "[::ffff:127.0.0.1]"]) {
      const { status, data } = await wide.ask("POST", "/install", {
        from: `http://${host}:${other.port}`,
        name: "evil",
      });
      expect([status, data.error]).toEqual([400, expect.stringMatching(/^Address not allowed: /)]);
    }
    await wide.server.close();
  });

  const file = (path: string, text = "x") => tarEntry({ path }, text);
  const index = () => file("evil/index.ts", service("evil"));
  test.each<[string, () => Response]>([
    ["answers with a redirect", () => Response.redirect("http://127.0.0.1:1/")],
    ["knows no such service", () => Response.json({ error: "Module not found" }, { status: 404 })],
    ["breaks", () => new Response("", { status: 500 })],
    ["answers with a page", () => new Response("<html></html>")],
    ["answers with nothing", () => new Response("")],
    ["sends .. in a path", () => new Response(archive(index(), file("evil/../../CANARY")))],
    ["sends an absolute path", () => new Response(archive(index(), file(canary())))],
    [
      "sends a link",
      () =>
        new Response(
          archive(index(), tarEntry({ path: "evil/link", type: "SymbolicLink", linkpath: "/etc" })),
        ),
    ],
    [
      "sends a hard link",
      () =>
        new Response(
          archive(index(), tarEntry({ path: "evil/link", type: "Link", linkpath: "evil/index.ts" })),
        ),
    ],
    [
      "sends a device",
      () => new Response(archive(index(), tarEntry({ path: "evil/null", type: "CharacterDevice" }))),
    ],
    ["sends a pipe", () => new Response(archive(index(), tarEntry({ path: "evil/pipe", type: "FIFO" })))],
    ["sends two top folders", () => new Response(archive(index(), file("other/index.ts")))],
    ["sends a bomb", () => new Response(archive(index(), file("evil/bomb", "0".repeat(17 * 1024 * 1024))))],
    ["sends half", () => new Response(archive(index(), file("evil/more", "y".repeat(9_000))).slice(0, 200))],
    ["sends a service without index.ts", () => new Response(archive(file("evil/readme.md")))],
    [
      "sends a service that does not load",
      () => new Response(archive(file("evil/index.ts", "throw new Error('no')"))),
    ],
  ])("%s", async (_what, response) => {
    sent = response;
    await refused("/install", { from: `http://127.0.0.1:${other.port}`, name: "evil" });
  });

  test("cannot bring packages in that its hash does not cover", async () => {
    sent = () =>
      new Response(
        archive(
          index(),
          file("evil/node_modules/hono/index.js", "throw 1"),
          file("evil/data/x", "x"),
          file("evil/.git/hooks/x", "x"),
        ),
      );
    const { status } = await rig.ask("POST", "/install", {
      from: `http://127.0.0.1:${other.port}`,
      name: "evil",
    });
    expect([status, readdirSync(join(rig.servicesDir, "evil"))]).toEqual([201, ["index.ts"]]);
    await rig.ask("POST", "/remove", { name: "evil" });
  });
});

test("sixteen pieces of work go on at once, and no more", async () => {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  let asked = 0;
  const slow = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch() {
      asked++;
      await done;
      return new Response("", { status: 404 });
    },
  });
  const begin = (at: number) => rig.ask("POST", "/install", { from: slow.url.origin, name: `slow-${at}` });
  const waiting = Array.from({ length: 16 }, (_, at) => begin(at));
  while (asked < 16) await Bun.sleep(10);
  expect(await begin(16)).toMatchObject({ status: 429, data: { code: "rate_limited" } });
  finish();
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(16).fill(400));
  expect(await begin(17)).toMatchObject({ status: 400 });
  await slow.stop(true);
});
