// What cron refuses: no bad input gets further than a 4xx answer, and none changes anything.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type CronHarness, NEVER, openHarness } from "./harness.js";

let harness: CronHarness;
let kept: { id: string };
beforeEach(async () => {
  harness = await openHarness();
  kept = await harness.exec("true", { name: "kept" });
});
afterEach(() => harness.cleanup());

const good = { name: "job", schedule: NEVER, type: "exec", config: { command: "true" } };
const agent = (config: unknown) => ({ ...good, type: "agent", config });
const http = (config: unknown) => ({ ...good, type: "http", config });
const exec = (config: unknown) => ({ ...good, config });
const call = { method: "POST", path: "/store/x" };
const deep = JSON.parse(`${"[".repeat(1000)}${"]".repeat(1000)}`);
const huge = "x".repeat(1_000_001);
const TYPES = "Must be agent, http, or exec";

/** Of a field whose value is no good: what is wrong with a job that has it. */
const fields: [string, object | string, string][] = [
  ["no body", "", "Invalid JSON body"],
  ["no JSON", "{", "Invalid JSON body"],
  ["an array", "[]", "Invalid JSON body"],
  ["null", "null", "Invalid JSON body"],
  ["nothing", {}, "name is required"],
  ["no name", { ...good, name: undefined }, "name is required"],
  ["a null name", { ...good, name: null }, "name is required"],
  ["a blank name", { ...good, name: " \n" }, "name is required"],
  ["a number for a name", { ...good, name: 5 }, "name must be a string. Received: 5"],
  ["a long name", { ...good, name: "x".repeat(201) }, "name is longer than 200 characters"],
  ["no schedule", { ...good, schedule: undefined }, "schedule is required"],
  ["a blank schedule", { ...good, schedule: "" }, "schedule is required"],
  ["a number for a schedule", { ...good, schedule: 60 }, "schedule must be a string. Received: 60"],
  ["a long schedule", { ...good, schedule: "*".repeat(501) }, "schedule is longer than 500 characters"],
  [
    "four fields",
    { ...good, schedule: "* * * *" },
    "Cron expression must have 5 fields (or 6 with seconds): * * * *",
  ],
  ["seven fields", { ...good, schedule: "0 0 0 1 1 * 2030" }, "Cron expression must have 5 fields"],
  ["a date", { ...good, schedule: "2030-01-01T00:00:00Z" }, "Cron expression must have 5 fields"],
  ["a step of 0", { ...good, schedule: "*/0 * * * *" }, "Invalid step value: 0"],
  ["minute 99", { ...good, schedule: "99 * * * *" }, "Invalid value: 99"],
  ["an interval of 0", { ...good, schedule: "0s" }, "Invalid value: 0s"],
  ["the 30th of February", { ...good, schedule: "0 0 30 2 *" }, "Schedule never fires: 0 0 30 2 *"],
  ["a zone that is none", { ...good, timezone: "Mars/Olympus" }, "Invalid time zone: Mars/Olympus"],
  ["an offset for a zone", { ...good, timezone: "+01:00" }, "Invalid time zone: +01:00"],
  ["a number for a zone", { ...good, timezone: 1 }, "timezone must be a string"],
  ["no type", { ...good, type: undefined }, "type is required"],
  ["a blank type", { ...good, type: " " }, "type is required"],
  ["an unknown type", { ...good, type: "shell" }, `Invalid job type: shell. ${TYPES}`],
  ["a type of an object", { ...good, type: "constructor" }, `Invalid job type: constructor. ${TYPES}`],
  ["a number for a type", { ...good, type: 1 }, "type must be a string. Received: 1"],
  ["a text for a config", exec("true"), 'config must be an object. Received: "true"'],
  ["a list for a config", exec([1]), "config must be an object. Received: [1]"],
  ["no config", exec(undefined), "config.command is required for exec jobs"],
  ["a null config", exec(null), "config.command is required for exec jobs"],
  ["no command", exec({}), "config.command is required for exec jobs"],
  ["a blank command", exec({ command: " " }), "config.command is required for exec jobs"],
  ["a list for a command", exec({ command: ["ls"] }), 'config.command must be a string. Received: ["ls"]'],
  ["a command with NUL", exec({ command: "a\0b" }), "config.command must be a text without NUL"],
  ["a huge command", exec({ command: huge }), "config.command is longer than 1000000 characters"],
  [
    "a folder that is none",
    exec({ command: "ls", cwd: "/no/such" }),
    "config.cwd must be the absolute path of a folder",
  ],
  [
    "a file for a folder",
    exec({ command: "ls", cwd: "/etc/passwd" }),
    "config.cwd must be the absolute path of a folder",
  ],
  [
    "a folder in a file",
    exec({ command: "ls", cwd: "/etc/passwd/x" }),
    "config.cwd must be the absolute path of a folder",
  ],
  [
    "a relative folder",
    exec({ command: "ls", cwd: "." }),
    "config.cwd must be the absolute path of a folder",
  ],
  [
    "a folder with NUL",
    exec({ command: "ls", cwd: "/tmp\0" }),
    "config.cwd must be the absolute path of a folder",
  ],
  [
    "a folder too long",
    exec({ command: "ls", cwd: `/${"x".repeat(5000)}` }),
    "config.cwd must be the absolute path of a folder",
  ],
  ["a number for a folder", exec({ command: "ls", cwd: 1 }), "config.cwd must be a string. Received: 1"],
  ["no prompt", agent({}), "config.prompt is required for agent jobs"],
  ["a null prompt", agent({ prompt: null }), "config.prompt is required for agent jobs"],
  ["a number for a prompt", agent({ prompt: 1 }), "config.prompt must be a string. Received: 1"],
  ["a number for a taskId", agent({ prompt: "x", taskId: 1 }), "config.taskId must be a string. Received: 1"],
  [
    "a list for a parentId",
    agent({ prompt: "x", parentId: [] }),
    "config.parentId must be a string. Received: []",
  ],
  ["an object for a model", agent({ prompt: "x", model: {} }), "config.model must be a string. Received: {}"],
  [
    "a long model",
    agent({ prompt: "x", model: "x".repeat(201) }),
    "config.model is longer than 200 characters",
  ],
  [
    "an agent's folder that is none",
    agent({ prompt: "x", cwd: "/no/such" }),
    "config.cwd must be the absolute path",
  ],
  ["no method", http({ path: "/x" }), "config.method is required for http jobs"],
  ["no method and no path", http({}), "config.method is required for http jobs"],
  ["no path", http({ method: "GET" }), "config.path is required for http jobs"],
  [
    "a method that is none",
    http({ ...call, method: "BREW" }),
    "config.method must be one of GET, HEAD, POST",
  ],
  [
    "a forbidden method",
    http({ ...call, method: "CONNECT" }),
    "config.method must be one of GET, HEAD, POST",
  ],
  ["a number for a method", http({ ...call, method: 1 }), "config.method must be a string. Received: 1"],
  [
    "a whole URL",
    http({ ...call, path: "http://evil/x" }),
    'config.path must be a path that starts with "/"',
  ],
  ["a relative path", http({ ...call, path: "store" }), 'config.path must be a path that starts with "/"'],
  [
    "a long path",
    http({ ...call, path: `/${"x".repeat(8192)}` }),
    "config.path is longer than 8192 characters",
  ],
  [
    "a body that goes nowhere",
    http({ method: "GET", path: "/x", body: {} }),
    "config.body cannot be sent with GET",
  ],
  ["a deep body", http({ ...call, body: deep }), "config.body must not be nested deeper than 500 levels"],
  ["a list for headers", http({ ...call, headers: [1] }), "config.headers must be an object. Received: [1]"],
  [
    "a text for headers",
    http({ ...call, headers: "x: y" }),
    'config.headers must be an object. Received: "x: y"',
  ],
  [
    "a number for a header",
    http({ ...call, headers: { x: 1 } }),
    "config.headers.x must be a string. Received: 1",
  ],
  [
    "a header with a line break",
    http({ ...call, headers: { x: "a\r\nb: c" } }),
    "config.headers.x is no header",
  ],
  ["a header with a blank name", http({ ...call, headers: { "": "x" } }), "config.headers. is no header"],
  [
    "a header of its own cause",
    http({ ...call, headers: { "X-REEF-cause": "x" } }),
    "config.headers.X-REEF-cause is set by",
  ],
  [
    "a header of its own length",
    http({ ...call, headers: { "content-length": "1" } }),
    "config.headers.content-length is set by",
  ],
  [
    "many headers",
    http({ ...call, headers: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x${at}`, ""])) }),
    "config.headers has more than 100 items",
  ],
  ["a text for enabled", { ...good, enabled: "yes" }, 'enabled must be true or false. Received: "yes"'],
  ["a number for enabled", { ...good, enabled: 1 }, "enabled must be true or false. Received: 1"],
  [
    "a negative time limit",
    { ...good, timeoutSeconds: -1 },
    "timeoutSeconds must be a number from 0 to 2000000. Received: -1",
  ],
  [
    "a time limit of months",
    { ...good, timeoutSeconds: 2_000_001 },
    "timeoutSeconds must be a number from 0 to 2000000",
  ],
  ["a time limit in words", { ...good, timeoutSeconds: "5" }, "timeoutSeconds must be a number"],
  [
    "an unknown overlap",
    { ...good, overlap: "wait" },
    'overlap must be one of "skip", "queue", "allow". Received: "wait"',
  ],
  ["a number for overlap", { ...good, overlap: 1 }, "overlap must be one of"],
  [
    "an unknown missed",
    { ...good, missed: "run" },
    'missed must be one of "record", "run_once". Received: "run"',
  ],
];

async function expectRefused(
  path: string,
  request: { method?: string; body?: object | string },
  error: string,
) {
  const before = (await harness.ask("/jobs")).data;
  const answer = await harness.ask(path, request);
  expect(answer.status).toBe(400);
  expect(answer.data).toEqual({ error: expect.stringContaining(error), code: "bad_request" });
  expect(answer.data.error).toStartWith(error);
  expect((await harness.ask("/jobs")).data).toEqual(before);
  expect(await harness.runs()).toEqual([]);
}

describe("POST /cron/jobs", () => {
  test.each(fields)("%s is refused and changes nothing (spec §10)", async (_what, body, error) => {
    await expectRefused("/jobs", { body }, error);
  });

  test("a body over the limit is 413 (spec §2.7)", async () => {
    const { status, data } = await harness.ask("/jobs", { body: "x".repeat(5_000_000) });
    expect([status, data.error]).toEqual([413, "body too large"]);
  });

  test("texts that no database likes are kept as they are, halves of characters replaced", async () => {
    const name = "'; DROP TABLE jobs; -- \u0000 \ud800 <img onerror=x> 日本";
    const { data, status } = await harness.ask("/jobs", { body: { ...good, name } });
    expect([status, data.name]).toEqual([201, name.toWellFormed()]);
    expect((await harness.ask(`/jobs/${data.id}`)).data.name).toBe(name.toWellFormed());
  });

  test("more than a thousand jobs are 507 (spec §10)", async () => {
    const body = { ...good, enabled: false };
    for (let count = 1; count < 1000; count += 37) {
      const size = Math.min(37, 1000 - count);
      await Promise.all(Array.from({ length: size }, () => harness.create(body)));
    }
    const { status, data } = await harness.ask("/jobs", { body });
    expect([status, data.code]).toEqual([507, "insufficient_storage"]);
    expect((await harness.ask("/jobs")).data.count).toBe(1000);
  });
});

describe("PATCH /cron/jobs/:id", () => {
  const missing = new Set([
    "no body",
    "nothing",
    "no name",
    "a null name",
    "a blank name",
    "no schedule",
    "a blank schedule",
    "no type",
    "a blank type",
    "no config",
    "a null config",
  ]);
  const changes = fields.filter(([what]) => !missing.has(what));

  test.each(changes)("%s is refused and changes nothing (spec §10)", async (_what, body, error) => {
    await expectRefused(`/jobs/${kept.id}`, { method: "PATCH", body }, error);
  });

  test("one bad field among good ones changes nothing (spec §10)", async () => {
    const body = { name: "renamed", enabled: false, schedule: "99 * * * *" };
    await expectRefused(`/jobs/${kept.id}`, { method: "PATCH", body }, "Invalid value: 99");
    const type = { name: "renamed", type: "agent" };
    await expectRefused(
      `/jobs/${kept.id}`,
      { method: "PATCH", body: type },
      "config.prompt is required for agent jobs",
    );
  });

  test("fields that are null, blank or unknown are no change (spec §10)", async () => {
    const before = (await harness.ask(`/jobs/${kept.id}`)).data;
    const body = {
      name: null,
      schedule: " ",
      type: null,
      enabled: null,
      id: "x",
      createdBy: "me",
      nextRunAt: null,
      identity: {},
    };
    const { status, data } = await harness.change(kept, body);
    expect(status).toBe(200);
    expect({ ...data, runs: [] }).toEqual(before);
  });
});

describe("other routes", () => {
  test.each([
    [
      "a wait that is none",
      "POST",
      "/jobs/ID/run?wait=maybe",
      400,
      'wait must be true or false. Received: "maybe"',
    ],
    ["an empty wait", "POST", "/jobs/ID/run?wait=", 400, "wait must be true or false"],
    ["a limit of 0", "GET", "/runs?limit=0", 400, "invalid limit: 0"],
    ["a limit in words", "GET", "/runs?limit=all", 400, "invalid limit: all"],
    ["a negative limit", "GET", "/runs?limit=-1", 400, "invalid limit: -1"],
    [
      "an unknown status",
      "GET",
      "/runs?status=waiting",
      400,
      "status must be one of running, success, error",
    ],
    [
      "a status of an object",
      "GET",
      "/runs?status=__proto__",
      400,
      "status must be one of running, success, error",
    ],
    ["a foreign cursor", "GET", "/runs?cursor=abc", 400, "invalid cursor"],
    ["the cursor of another list", "GET", "/runs?jobId=x&cursor=WyJydW5zICAiLDFd", 400, "invalid cursor"],
    ["a cursor of another form", "GET", "/runs?cursor=WyJydW5zICAiLCJ4Il0", 400, "invalid cursor"],
    ["an id that is none", "GET", "/jobs/%00", 404, "Job not found"],
    ["an id of an object", "DELETE", "/jobs/__proto__", 404, "Job not found"],
    ["a long id", "POST", `/jobs/${"x".repeat(5000)}/run`, 404, "Job not found"],
    ["a path that is none", "GET", "/", 404, "not found"],
    ["a method that is none", "PUT", "/jobs/ID", 404, "not found"],
  ])("%s is refused (spec §10)", async (_what, method, path, status, error) => {
    const answer = await harness.ask(path.replace("ID", kept.id), { method });
    expect([answer.status, answer.data.error.slice(0, error.length)]).toEqual([status, error]);
    expect((await harness.ask("/jobs")).data.count).toBe(1);
    expect(await harness.runs()).toEqual([]);
  });

  test("a run by hand takes any body, or none", async () => {
    for (const body of ["{", "[]", { x: 1 }]) {
      const { status } = await harness.ask(`/jobs/${kept.id}/run`, { method: "POST", body });
      expect(status).toBe(200);
    }
  });

  test("without a token everything is 401 (spec §2.2)", async () => {
    for (const path of ["/jobs", "/runs", "/_panel", `/jobs/${kept.id}`]) {
      expect((await harness.ask(path, { auth: false })).status).toBe(401);
    }
  });
});
