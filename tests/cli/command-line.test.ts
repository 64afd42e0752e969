// Arguments, exit codes and errors of the `reef` command, whatever the command.
import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { fakeServer, reef } from "./support.js";

const NOWHERE = "http://127.0.0.1:1";

describe("help", () => {
  test("reef alone lists every command", async () => {
    const { code, out } = await reef(NOWHERE, []);
    expect(code).toBe(0);
    for (const name of ["start", "submit", "tasks", "task", "tree", "tail", "steer", "answer", "cancel"]) {
      expect(out).toContain(`\n  ${name} `);
    }
  });

  test("each command says how it is used, and asks no server for it", async () => {
    const { code, out } = await reef(NOWHERE, ["submit", "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("usage: reef submit <task> [options]");
    expect(out).toContain("--priority <n>");
    expect(out).toContain("Ctrl-C stops watching and leaves the task running");
    expect(await reef(NOWHERE, ["help", "submit"])).toEqual({ code: 0, out, err: "" });
  });

  test("--version is the package's", async () => {
    expect((await reef(NOWHERE, ["--version"])).out).toBe(`reef ${packageJson.version}\n`);
  });
});

describe("a wrong command line exits with 2, says why, and asks no server", () => {
  test.each([
    [["frob"], 'unknown command "frob"'],
    [["--frob"], "unknown option '--frob'"],
    [["tasks", "--frob"], "unknown option '--frob'"],
    [["tasks", "x"], 'tasks takes no arguments. Received also: "x"'],
    [["submit"], "submit needs <task>"],
    [["submit", " "], "the task is empty"],
    [["submit", "x", "--priority", "high"], '--priority must be a number. Received: "high"'],
    [["submit", "x", "--priority", "1.5"], '--priority must be an integer. Received: "1.5"'],
    [["submit", "x", "--priority", "-3"], "use '--priority=-XYZ'"],
    [["tasks", "--limit", "0"], '--limit must be at least 1. Received: "0"'],
    [["answer", "x", "red", "--yes"], "give one of a value, --yes, --no and --dismiss"],
    [["tasks", "--url", "ftp://x"], 'must be an http or https URL. Received: "ftp://x"'],
    [["tasks", "--token-file", "/nowhere/token"], "cannot read the token file"],
  ])("%j", async (argv, message) => {
    await using server = fakeServer({});
    const { code, out, err } = await reef(server.url, argv);
    expect(err).toStartWith("reef: ");
    expect(err).toContain(message);
    expect({ code, out, requests: server.requests }).toEqual({ code: 2, out: "", requests: [] });
  });
});

test("a server that is not there is one line and exit code 1", async () => {
  const expected = `reef: cannot reach ${NOWHERE} — is it running? start it with: reef start\n`;
  for (const argv of [["tasks"], ["tree"], ["tail"], ["submit", "x"], ["cancel", "x"]]) {
    expect(await reef(NOWHERE, argv)).toEqual({ code: 1, out: "", err: expected });
  }
});

test("what the server refuses is shown in its own words, with exit code 1", async () => {
  await using server = fakeServer({
    "POST /reef/tasks/x/steer": () =>
      Response.json(
        { error: "Task 'x' is done; submit with taskId 'x' to continue it", code: "conflict" },
        { status: 409 },
      ),
    "GET /reef/tree": () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
  });
  const steered = await reef(server.url, ["steer", "x", "hurry"]);
  expect(steered).toEqual({
    code: 1,
    out: "",
    err: "reef: Task 'x' is done; submit with taskId 'x' to continue it\n",
  });
  expect((await reef(server.url, ["tree"])).code).toBe(1);
});

describe("the token", () => {
  const routes = { "GET /reef/tasks": () => ({ tasks: [], count: 0 }) };

  test("comes from the environment, and no agent's name goes with it", async () => {
    await using server = fakeServer(routes);
    await reef(server.url, ["tasks"], { token: "from-environment" });
    expect(server.requests[0]?.headers.get("authorization")).toBe("Bearer from-environment");
    expect(server.requests[0]?.headers.has("x-agent-name")).toBe(false);
  });

  test("comes from --token-file first, and global options may stand before the command", async () => {
    await using server = fakeServer(routes);
    const dir = await mkdtemp(join(tmpdir(), "reef-cli-"));
    await writeFile(join(dir, "token"), "from-file\n");
    await reef(NOWHERE, ["--token-file", join(dir, "token"), "--url", server.url, "tasks"], {
      token: "other",
    });
    await rm(dir, { recursive: true });
    expect(server.requests[0]?.headers.get("authorization")).toBe("Bearer from-file");
  });

  test("is not sent when there is none, and a 401 says what to do", async () => {
    await using server = fakeServer({
      "GET /reef/tasks": () =>
        Response.json({ error: "Unauthorized — missing Authorization header" }, { status: 401 }),
    });
    const { err } = await reef(server.url, ["tasks"]);
    expect(server.requests[0]?.headers.has("authorization")).toBe(false);
    expect(err).toBe(
      "reef: Unauthorized — missing Authorization header (set VERS_AUTH_TOKEN or pass --token-file)\n",
    );
  });
});
