// Services on their way into a real reef: from git, from a folder, from reef's examples, from another reef; and a reef that
// is killed in the middle of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cleanUp, processesWith, type Reef, startReef, temporaryFolder } from "./reef.js";

afterAll(cleanUp);

/** `index.ts` of a service that says something; `before` runs at import, `fields` go into the module. */
function service(name: string, says: string, { before = "", fields = "" } = {}): string {
  return `import { Hono } from "hono";
${before}
export default { name: "${name}", routes: new Hono().get("/", (c) => c.text(${JSON.stringify(says)})), ${fields} };
`;
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { PATH = "" } = process.env;
  const as = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
  const child = Bun.spawn(["git", ...as, ...args], { cwd, env: { PATH, HOME: cwd }, stdout: "pipe" });
  const out = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`git ${args.join(" ")} failed`);
  return out.trim();
}

/** A working tree and its bare copy; `commit` replaces `index.ts`. */
async function repository(name: string) {
  const root = temporaryFolder();
  const [dir, bare] = [join(root, name), join(root, `${name}.git`)];
  await mkdir(dir);
  await git(root, "init", "--quiet", "--bare", bare);
  await git(dir, "init", "--quiet");
  return {
    dir,
    bare,
    async commit(source: string): Promise<string> {
      await Bun.write(join(dir, "index.ts"), source);
      await git(dir, "add", "--all");
      await git(dir, "commit", "--quiet", "-m", "a change");
      await git(dir, "push", "--quiet", bare, "HEAD:main");
      return git(dir, "rev-parse", "HEAD");
    },
  };
}

const install = (reef: Reef, body: object) => reef.api("POST", "/installer/install", body);
const update = (reef: Reef, body: object) => reef.api("POST", "/installer/update", body);
const remove = (reef: Reef, body: object) => reef.api("POST", "/installer/remove", body);
const said = async (reef: Reef, name: string) => (await reef.fetch(`/${name}`)).text();
const installed = async (reef: Reef) => (await reef.api("GET", "/installer/installed")).installed;
const folders = (reef: Reef) => readdirSync(reef.servicesDir).sort();

async function appears(path: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!existsSync(path)) {
    if (Date.now() > deadline) throw new Error(`${path} did not appear`);
    await Bun.sleep(20);
  }
}

describe("a service comes, changes and goes (spec §7)", () => {
  let reef: Reef;
  beforeAll(async () => {
    const env = { HOST: "127.0.0.1", REEF_TASK_SCOPES: "modules,submit,admin" };
    reef = await startReef({ token: "server-token-of-one", env });
  });

  test("from a repository, bare or not, with its events in the tree", async () => {
    const { dir, bare, commit } = await repository("greeter");
    const first = await commit(service("greeter", "one"));
    expect(await install(reef, { source: bare })).toMatchObject({
      dirName: "greeter",
      type: "git",
      commit: first,
    });
    expect(await said(reef, "greeter")).toBe("one");
    const second = await commit(service("greeter", "two"));
    expect(await update(reef, { name: "greeter" })).toMatchObject({ commit: second, changed: true });
    expect(await update(reef, { name: "greeter" })).toMatchObject({ commit: second, changed: false });
    expect(await said(reef, "greeter")).toBe("two");
    expect(await remove(reef, { name: "greeter" })).toEqual({ dirName: "greeter", action: "removed" });
    expect((await reef.fetch("/greeter")).status).toBe(404);
    expect(await install(reef, { source: `${dir}/.git`, name: "other" })).toMatchObject({
      name: "greeter",
      commit: second,
    });
    await remove(reef, { name: "other" });
    const events = (await reef.nodes()).filter(({ eventType }) =>
      eventType?.match(/^service_(installed|updated|removed)$/),
    );
    expect(events.map(({ eventType, content, source }) => [eventType, content, source])).toEqual([
      ["service_installed", "service installed: greeter", "installer"],
      ["service_updated", "service updated: greeter", "installer"],
      ["service_removed", "service removed: greeter", "installer"],
      ["service_installed", "service installed: greeter", "installer"],
      ["service_removed", "service removed: greeter", "installer"],
    ]);
    const [one, two] = events;
    expect(two?.meta).toMatchObject({ name: "greeter", previousHash: one?.meta?.hash });
  });

  test("from a folder, whose edits are live by a reload", async () => {
    const folder = join(temporaryFolder(), "linked");
    await Bun.write(join(folder, "index.ts"), service("linked", "one"));
    expect(await install(reef, { source: folder })).toMatchObject({ type: "local", dirName: "linked" });
    await Bun.write(join(folder, "index.ts"), service("linked", "two"));
    await reef.api("POST", "/services/reload");
    expect(await said(reef, "linked")).toBe("two");
    await remove(reef, { name: "linked" });
    expect(readdirSync(folder)).toEqual(["index.ts"]);
  });

  test("from reef's own examples, through the command line", async () => {
    const { examples } = await reef.api("GET", "/installer/examples");
    const [example] = examples;
    const run = async (...args: string[]) => {
      const env = {
        PATH: process.env.PATH ?? "",
        VERS_INFRA_URL: reef.url,
        VERS_AUTH_TOKEN: "server-token-of-one",
      };
      const child = Bun.spawn([process.execPath, "--no-install", "src/cli.ts", "fleet", ...args], {
        env,
        stdout: "pipe",
      });
      return { out: await new Response(child.stdout).text(), code: await child.exited };
    };
    expect(await run("enable", example.name)).toEqual({
      out: `enabled /${example.name} — ${shown(example.description)}\n`,
      code: 0,
    });
    expect((await reef.fetch(`/${example.name}`)).status).not.toBe(401);
    expect((await reef.api("GET", "/health")).services).toContain(example.name);
    expect((await run("disable", example.name)).out).toBe(`disabled ${example.name}\n`);
    expect((await reef.api("GET", "/health")).services).not.toContain(example.name);
  });

  test("from another reef, whatever its description says (spec §13.14)", async () => {
    const other = await startReef({ token: "server-token-of-two", env: { HOST: "127.0.0.1" } });
    const description = "café — 日本";
    const source = service("tearoom", "hello from two", { fields: `description: "${description}"` });
    await Bun.write(join(other.servicesDir, "tearoom/index.ts"), source);
    await Bun.write(join(other.servicesDir, "tearoom/lib/more.ts"), "export {};\n");
    await other.api("POST", "/services/reload/tearoom");
    const body = { from: other.url, name: "tearoom", token: "server-token-of-two" };
    const { hash } = await install(reef, body);
    expect(await said(reef, "tearoom")).toBe("hello from two");
    const services = (await reef.api("GET", "/services")).modules;
    expect(services.find(({ name }: { name: string }) => name === "tearoom")).toMatchObject({
      description,
      hash,
    });
    const exported = await other.fetch("/services/export/tearoom");
    expect(exported.headers.get("x-service-hash")).toBe(hash);
    await Bun.write(join(other.servicesDir, "tearoom/index.ts"), source.replace("hello", "again"));
    await other.api("POST", "/services/reload/tearoom");
    expect(await update(reef, { name: "tearoom", token: "server-token-of-two" })).toMatchObject({
      changed: true,
    });
    expect(await said(reef, "tearoom")).toBe("again from two");
    expect(reef.output() + readFileSync(join(reef.servicesDir, ".installer.json"), "utf8")).not.toContain(
      "server-token-of-two",
    );
    await other.stop();
  });

  test("under the call of the task that asked for it, when that may do so", async () => {
    const { bare, commit } = await repository("called");
    await commit(service("called", "by a task"));
    const body = JSON.stringify({ source: bare });
    const call = `curl -s -X POST $VERS_INFRA_URL/installer/install -H "Authorization: Bearer $VERS_AUTH_TOKEN" -d '${body}'`;
    await reef.submit({ task: `Run \`${call}\`.`, taskId: "installs" });
    const { nodes } = await reef.over("installs");
    const toolCall = nodes.find(({ role }) => role === "tool_call");
    const event = (await reef.nodes()).find(({ content }) => content === "service installed: called");
    expect(event).toMatchObject({ parentId: toolCall?.id ?? "", eventType: "service_installed" });
    expect(await said(reef, "called")).toBe("by a task");
    const { modules } = await reef.api("GET", "/services");
    const isolation = (name: string) =>
      modules.find((module: { name: string }) => module.name === name)?.isolation;
    expect([isolation("called"), isolation("tearoom")]).toEqual(["process", "none"]);
  });
});

describe("a reef that is killed in the middle (spec §7)", () => {
  /** A service that waits in one place, says where, and never comes back from it. */
  function stuck(place: "import" | "init", marker: string): string {
    const wait = `await Bun.write(${JSON.stringify(marker)}, ""); await new Promise(() => {});`;
    return place === "import"
      ? service("moved", "two", { before: wait })
      : service("moved", "two", { fields: `async init() { ${wait} }` });
  }

  test.each(["import", "init"] as const)(
    "while a new service is in its %s, has never installed it",
    async (place) => {
      const reef = await startReef({ env: { REEF_WARM: "0" } });
      const { bare, commit } = await repository("moved");
      const marker = join(temporaryFolder(), "marker");
      await commit(stuck(place, marker));
      const lost = install(reef, { source: bare }).catch(() => "lost");
      await appears(marker);
      await reef.kill();
      expect(await lost).toBe("lost");
      const again = await reef.restart();
      expect([folders(again).filter((name) => name !== ".installer.json"), await installed(again)]).toEqual([
        [],
        [],
      ]);
      expect(existsSync(join(again.dataDir, "installer"))).toBe(false);
      expect((await again.fetch("/moved")).status).toBe(404);
      await commit(service("moved", "one"));
      expect(await install(again, { source: bare })).toMatchObject({ dirName: "moved" });
      await again.stop();
    },
  );

  test.each(["import", "init"] as const)(
    "while a new version is in its %s, serves the old one",
    async (place) => {
      const reef = await startReef({ env: { REEF_WARM: "0" } });
      const { bare, commit } = await repository("moved");
      const marker = join(temporaryFolder(), "marker");
      await commit(service("moved", "one"));
      const { hash } = await install(reef, { source: bare });
      await Bun.write(join(reef.servicesDir, "moved/data/kept.json"), "kept");
      await commit(stuck(place, marker));
      const lost = update(reef, { name: "moved" }).catch(() => "lost");
      await appears(marker);
      await reef.kill();
      expect(await lost).toBe("lost");
      const again = await reef.restart();
      expect(await said(again, "moved")).toBe("one");
      expect(await installed(again)).toMatchObject([{ hash, modified: false }]);
      expect(folders(again)).toEqual([".installer.json", "moved"]);
      expect(readFileSync(join(again.servicesDir, "moved/data/kept.json"), "utf8")).toBe("kept");
      const { problems } = await again.api("GET", "/services");
      expect(problems.filter(({ dir }: { dir: string }) => dir === "moved")).toEqual([]);
      await again.stop();
    },
  );

  test("while git is running, leaves no git running", async () => {
    const programs = temporaryFolder();
    const marker = join(programs, "marker");
    await Bun.write(join(programs, "git"), `#!/bin/sh\n: > ${marker}\nexec sleep 4713\n`);
    await chmod(join(programs, "git"), 0o755);
    const { PATH = "" } = process.env;
    const reef = await startReef({ env: { PATH: `${programs}:${PATH}`, REEF_WARM: "0" } });
    const lost = install(reef, { source: "https://git.example.org/hello" }).catch(() => "lost");
    await appears(marker);
    expect((await reef.fetch("/health")).status).toBe(200);
    await reef.kill();
    await lost;
    const again = await reef.restart({ PATH });
    expect(processesWith("sleep 4713")).toEqual([]);
    expect([folders(again), await installed(again)]).toEqual([[], []]);
    await again.stop();
  });

  test("at any moment, has a service or has it not", async () => {
    const { bare, commit } = await repository("moved");
    await commit(service("moved", "one"));
    // So many starts that end early would leave the user's services out otherwise.
    let reef = await startReef({ env: { REEF_WARM: "0", REEF_SAFE: "0" } });
    let count = 0;
    for (const ms of [60, 120, 180, 260]) {
      const work = count === 0 ? install(reef, { source: bare }) : remove(reef, { name: "moved" });
      const lost = work.then(
        () => true,
        () => false,
      );
      await Bun.sleep(ms);
      await reef.kill();
      const wasAnswered = await lost;
      reef = await reef.restart();
      const entries = await installed(reef);
      if (wasAnswered) expect(entries).toHaveLength(count === 0 ? 1 : 0);
      count = entries.length;
      expect(entries).toMatchObject(count === 0 ? [] : [{ dirName: "moved", modified: false }]);
      expect(folders(reef).filter((name) => name !== ".installer.json")).toEqual(
        count === 0 ? [] : ["moved"],
      );
      expect((await reef.fetch("/moved")).status).toBe(count === 0 ? 404 : 200);
    }
    await reef.stop();
  });
});

/** As the command line shows a description. */
function shown(description: string): string {
  return description.length <= 100 ? description : `${description.slice(0, 99)}…`;
}
