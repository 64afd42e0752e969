// git, as the installer calls it: the real program, real repositories, and everything that it must not do.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { fetchCommit, gitCommands, gitEnvironment } from "./git.js";
import { git, programEnv, removeFolders, repository, service, temporaryFolder, write } from "./rig.js";

afterAll(removeFolders);

const LIMIT_MS = 30_000;
const patience = () => AbortSignal.timeout(LIMIT_MS);

async function fetched(source: { url: string; ref?: string }, env = programEnv()) {
  const into = join(temporaryFolder(), "into");
  const commit = await fetchCommit(source, { into, env, signal: patience() });
  return { commit, into, files: readdirSync(into).sort() };
}

describe("a commit (spec §7)", () => {
  test("is the newest one, without its history", async () => {
    const { bare, commit } = await repository("hello.git", { "index.ts": service("hello") });
    const newest = await commit({ "lib/more.ts": "export {};\n" });
    expect(await fetched({ url: bare })).toMatchObject({ commit: newest, files: ["index.ts", "lib"] });
  });

  test("is that of a branch, a tag, a whole ref or a commit's own name", async () => {
    const { dir, bare, commit } = await repository("hello.git", { "index.ts": service("hello", "one") });
    const first = await git(dir, "rev-parse", "HEAD");
    await git(dir, "tag", "-a", "v1", "-m", "one");
    await git(dir, "push", "--quiet", "origin", "v1", "HEAD:refs/heads/feature/a@b");
    await commit({ "index.ts": service("hello", "two") });
    for (const ref of ["v1", "feature/a@b", "refs/tags/v1", first]) {
      const { commit, into } = await fetched({ url: bare, ref });
      expect([ref, commit]).toEqual([ref, first]);
      expect(readFileSync(join(into, "index.ts"), "utf8")).toContain('"one"');
    }
  });

  test.each([
    [{ ref: "absent" }, "couldn't find remote ref absent"],
    [{ ref: "0123456789012345678901234567890123456789" }, "Cannot fetch"],
    [{ url: "/nowhere/hello.git" }, "does not appear to be a git repository"],
  ])("%j is refused in git's words", async (wrong, problem) => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    const refusal = await fetched({ url: bare, ...wrong }).catch((error) => error);
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(refusal.message).toContain(problem);
  });

  test("is refused when the repository is empty", async () => {
    const folder = temporaryFolder();
    await git(folder, "init", "--quiet", "--bare", "empty.git");
    expect(await fetched({ url: join(folder, "empty.git") }).catch((error) => error)).toMatchObject({
      code: "bad_request",
    });
  });
});

describe("the command line (spec §7)", () => {
  test.each([["--upload-pack=touch x"], ["https://host/a"], ["git@host:a"], ["/srv/a;touch b"]])(
    "holds %s as one argument, behind --",
    (url) => {
      const [, fetch] = gitCommands({ url, ref: "main" });
      expect(fetch?.slice(-3)).toEqual(["--", url, "main"]);
      expect(fetch?.slice(0, -3)).not.toContain(url);
    },
  );

  test("allows https and ssh to other machines, and paths of this one", () => {
    expect(gitEnvironment("https://host/a")).toMatchObject({ GIT_ALLOW_PROTOCOL: "https:ssh" });
    expect(gitEnvironment("git@host:a")).toMatchObject({ GIT_ALLOW_PROTOCOL: "https:ssh" });
    expect(gitEnvironment("/srv/a")).toMatchObject({ GIT_ALLOW_PROTOCOL: "file" });
    expect(gitEnvironment()).toMatchObject({ GIT_ALLOW_PROTOCOL: "https:ssh" });
  });

  test.each([
    ["ext::sh -c touch% CANARY"],
    ["fd::7"],
    ["http://127.0.0.1:1/hello"],
    ["git://127.0.0.1:1/hello"],
    ["file:///srv/hello"],
    ["--upload-pack=touch CANARY"],
    ["-oProxyCommand=touch CANARY:hello"],
    ["ssh://-oProxyCommand=touch CANARY/hello"],
  ])("stops %s, should that ever come so far", async (url) => {
    const into = join(temporaryFolder(), "into");
    const refusal = await fetchCommit({ url }, { into, env: programEnv(), signal: patience() }).catch(
      (error) => error,
    );
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(refusal.message).toMatch(/not allowed|blocked/);
    expect(readdirSync(into)).toEqual([".git"]);
  });

  test("stops a rewrite of an allowed address to one that is not", async () => {
    const home = temporaryFolder();
    await write(home, {
      ".gitconfig": '[url "ext::touch CANARY "]\n\tinsteadOf = https://\n[protocol]\n\tallow = always\n',
    });
    const refusal = await fetched({ url: "https://host/a" }, programEnv(home)).catch((error) => error);
    expect(refusal.message).toContain("transport 'ext' not allowed");
  });
});

describe("nothing of a repository, or of anybody's settings, is run (spec §7)", () => {
  test("no hook", async () => {
    const home = temporaryFolder();
    const hook = `#!/bin/sh\ntouch ${join(home, "CANARY")}\n`;
    const names = ["post-checkout", "post-index-change", "reference-transaction", "post-merge"];
    for (const place of ["template/hooks", "hooks"]) {
      await write(join(home, place), Object.fromEntries(names.map((name) => [name, hook])));
      for (const name of names) await chmod(join(home, place, name), 0o755);
    }
    await write(home, {
      ".gitconfig": `[init]\n\ttemplateDir = ${join(home, "template")}\n[core]\n\thooksPath = ${join(home, "hooks")}\n\tfsmonitor = ${join(home, "hooks/post-checkout")}\n`,
    });
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await git(home, "clone", "--quiet", bare, "control");
    expect(existsSync(join(home, "CANARY"))).toBe(true);
    await Bun.file(join(home, "CANARY")).delete();
    expect((await fetched({ url: bare }, programEnv(home))).files).toEqual(["index.ts"]);
    expect(existsSync(join(home, "CANARY"))).toBe(false);
  });

  test("no submodule", async () => {
    const inner = await repository("inner.git", { "index.ts": service("inner") });
    const { dir, bare } = await repository("outer.git", { "index.ts": service("outer") });
    await git(dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.bare, "inner");
    await git(dir, "commit", "--quiet", "-m", "with a submodule");
    await git(dir, "push", "--quiet", "origin", "HEAD:main");
    const home = temporaryFolder();
    await write(home, {
      ".gitconfig": '[submodule]\n\trecurse = true\n[protocol "file"]\n\tallow = always\n',
    });
    const { into } = await fetched({ url: bare }, programEnv(home));
    expect(readdirSync(join(into, "inner"))).toEqual([]);
  });
});

describe("a program that does not come to its end (spec §7)", () => {
  test("is ended with all that it started", async () => {
    const folder = temporaryFolder();
    const pids = join(folder, "pids");
    const script = `#!/bin/sh\nsleep 4711 &\necho $! $$ > ${pids}.half && mv ${pids}.half ${pids}\nwait\n`;
    await write(folder, { git: script });
    await chmod(join(folder, "git"), 0o755);
    const { PATH = "", HOME = "" } = programEnv();
    const stop = new AbortController();
    const fetching = fetchCommit(
      { url: "https://host/a" },
      { into: join(folder, "into"), env: { PATH: `${folder}:${PATH}`, HOME }, signal: stop.signal },
    ).catch((error) => error);
    while (!existsSync(pids)) await Bun.sleep(10);
    stop.abort(new Error("enough"));
    expect(await fetching).toMatchObject({ message: "enough" });
    const running = readFileSync(pids, "utf8").trim().split(" ").map(Number);
    expect(running).toHaveLength(2);
    for (const pid of running) while (isRunning(pid)) await Bun.sleep(10);
  });

  test("never is one that asks for a password", async () => {
    await using server = await tlsGit(temporaryFolder(), { password: "secret" });
    const refusal = await fetched({ url: `${server.url}/hello.git` }, server.env).catch((error) => error);
    expect(refusal.message).toContain("terminal prompts disabled");
  });
});

describe("a repository on another machine (spec §7)", () => {
  test("comes over https, when its certificate is good", async () => {
    const { bare } = await repository("hello.git", { "index.ts": service("hello") });
    await using server = await tlsGit(join(bare, ".."));
    const url = `${server.url}/hello.git`;
    expect((await fetched({ url }, server.env)).files).toEqual(["index.ts"]);
    expect(server.served()).toBeGreaterThan(0);
    const refusal = await fetched({ url }).catch((error) => error);
    expect(refusal.message).toContain("certificate");
  });

  test("is not followed from https to http", async () => {
    await using server = await tlsGit(temporaryFolder(), { redirect: "http://127.0.0.1:1/hello.git" });
    const refusal = await fetched({ url: `${server.url}/hello.git` }, server.env).catch((error) => error);
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(refusal.message).toMatch(/not allowed|disabled|unsupported/i);
  });
});

/** False for a zombie too: it has ended, and only nobody has looked. */
function isRunning(pid: number): boolean {
  const stat = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  return stat !== "" && !stat.startsWith("Z");
}

/** git's own server behind TLS, with a certificate that only `env` trusts. */
async function tlsGit(root: string, { password, redirect }: { password?: string; redirect?: string } = {}) {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  let served = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    async fetch(request) {
      served++;
      if (password !== undefined)
        return new Response("", { status: 401, headers: { "WWW-Authenticate": "Basic" } });
      if (redirect !== undefined)
        return new Response("", {
          status: 302,
          headers: { Location: `${redirect}${new URL(request.url).search}` },
        });
      return gitAnswer(request, root);
    },
  });
  return {
    url: `https://localhost:${server.port}`,
    env: { ...programEnv(), GIT_SSL_CAINFO: cert },
    served: () => served,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** One request through git-http-backend(1), by the rules of CGI. */
async function gitAnswer(request: Request, root: string): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const child = Bun.spawn(["git", "http-backend"], {
    env: {
      ...programEnv(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
    },
    stdin: new Uint8Array(await request.arrayBuffer()),
    stdout: "pipe",
  });
  const answer = Buffer.from(await new Response(child.stdout).arrayBuffer());
  const end = answer.indexOf("\r\n\r\n");
  const lines = answer.toString("latin1", 0, end).split("\r\n");
  const headers = new Headers(lines.map((line) => line.split(": ") as [string, string]));
  const status = Number(headers.get("status")?.slice(0, 3) ?? 200);
  headers.delete("status");
  return new Response(new Uint8Array(answer.subarray(end + 4)), { status, headers });
}
