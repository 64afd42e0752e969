// The board over HTTP: what each route takes, answers and refuses.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startBoard, type TestBoard } from "./board-under-test.js";
import { ARTIFACT_TYPES, NOTE_TYPES, STATUSES, type Task } from "./task.js";

const UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

let board: TestBoard;
beforeEach(async () => {
  board = await startBoard();
});
afterEach(() => board.harness.cleanup());

/** All that is stored, as text. */
function stored(): string {
  const db = new Database(`${board.harness.dataDir}/board.sqlite`, { readonly: true });
  const tables = db.query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const content = tables.map(({ name }) => [name, db.query(`SELECT * FROM ${name}`).all()]);
  db.close();
  return JSON.stringify(content);
}

/** The call is refused so, and changes nothing. */
async function isRefused(call: string, body: unknown, [status, error]: [number, string], headers = {}) {
  const before = stored();
  board.told();
  const answer = await board.ask(call, body, headers);
  const code = { 400: "bad_request", 404: "not_found", 409: "conflict", 412: "precondition_failed" }[status];
  expect({ call, body, status: answer.status, ...answer.data }).toMatchObject({
    call,
    body,
    status,
    error,
    code,
  });
  expect(stored()).toBe(before);
  expect(board.told()).toEqual([]);
  return answer.data;
}

describe("POST /board/tasks (spec §2)", () => {
  test("answers 201 with the task, its keys in order, as it is read on both paths and in lists", async () => {
    const sent = {
      dependencies: ["another"],
      tags: ["b", "a"],
      assignee: " bob ",
      description: " all of it ",
      status: "blocked",
      createdBy: " ada ",
      title: " Sweep ",
      unknown: 1,
    };
    const { status, data, headers } = await board.ask("POST /tasks", sent);
    expect(status).toBe(201);
    expect(Object.keys(data).join(" ")).toBe(
      "id title description status assignee tags dependencies createdBy createdAt updatedAt notes artifacts score blockedBy noteCount artifactCount",
    );
    expect(data).toMatchObject({
      title: "Sweep",
      description: "all of it",
      status: "blocked",
      assignee: "bob",
      tags: ["b", "a"],
      dependencies: ["another"],
      createdBy: "ada",
      createdAt: data.updatedAt,
      score: 0,
      blockedBy: [],
    });
    expect(data.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(headers.get("etag")).toBe(`"${data.updatedAt}"`);
    for (const path of [`/tasks/${data.id}`, `/${data.id}`, `/tasks/${data.id.toLowerCase()}`])
      expect((await board.ask(`GET ${path}`)).data).toEqual(data);
    expect((await board.ask("GET /tasks")).data).toEqual({ tasks: [data], count: 1, cursor: null });
  });

  test("is open and empty unless told otherwise", async () => {
    const task = await board.create({ description: " ", assignee: "" });
    expect(Object.keys(task).join(" ")).toBe(
      "id title status tags dependencies createdBy createdAt updatedAt notes artifacts score blockedBy noteCount artifactCount",
    );
    expect(task).toMatchObject({ status: "open", tags: [], dependencies: [], notes: [], artifacts: [] });
  });

  test.each([...STATUSES])("takes the status %s", async (status) => {
    expect((await board.create({ status })).status).toBe(status);
  });

  const valid = { title: "t", createdBy: "c" };
  test.each<[unknown, string]>([
    ["", "Invalid JSON body"],
    ["null", "Invalid JSON body"],
    ["[]", "Invalid JSON body"],
    [{ status: "x" }, "title is required"],
    [{ ...valid, title: " " }, "title is required"],
    [{ ...valid, title: 5 }, "title must be a string"],
    [{ title: "t", status: "x" }, "createdBy is required"],
    [{ ...valid, createdBy: null }, "createdBy is required"],
    [{ ...valid, status: "Open", description: 5 }, "invalid status: Open"],
    [{ ...valid, status: 5 }, "status must be a string"],
    [{ ...valid, description: {} }, "description must be a string"],
    [{ ...valid, assignee: [] }, "assignee must be a string"],
    [{ ...valid, tags: "x" }, "tags must be an array"],
    [{ ...valid, tags: ["x", 5] }, "tags must contain only strings"],
    [{ ...valid, tags: Array(51).fill("x") }, "tags has more than 50 items"],
    [{ ...valid, tags: ["x".repeat(101)] }, "tags is longer than 100 characters"],
    [{ ...valid, dependencies: {} }, "dependencies must be an array"],
    [{ ...valid, dependencies: [null] }, "dependencies must contain only strings"],
    [{ ...valid, dependencies: Array(201).fill("x") }, "dependencies has more than 200 items"],
    [{ ...valid, title: "x".repeat(501) }, "title is longer than 500 characters"],
    [{ ...valid, createdBy: "x".repeat(201) }, "createdBy is longer than 200 characters"],
    [{ ...valid, description: "x".repeat(65_537) }, "description is longer than 65536 characters"],
    [{ ...valid, assignee: "x".repeat(201) }, "assignee is longer than 200 characters"],
  ])("refuses %.80j", async (body, error) => {
    await isRefused("POST /tasks", body, [400, error]);
  });

  test("takes what is as long as its limit, and no body over 1 MiB", async () => {
    const largest = {
      title: "x".repeat(500),
      createdBy: "x".repeat(200),
      description: "日".repeat(65_536),
      assignee: "x".repeat(200),
      tags: Array.from({ length: 50 }, (_, n) => `${n}`.padStart(100, "x")),
      dependencies: Array.from({ length: 200 }, (_, n) => `${n}`.padStart(200, "x")),
    };
    expect(await board.create(largest)).toMatchObject(largest);
    const { status, data } = await board.ask("POST /tasks", { ...valid, x: "x".repeat(1_048_576) });
    expect([status, data.error]).toEqual([413, "body too large"]);
  });
});

const ONE_TASK: [call: string, body: object | undefined][] = [
  ["GET /tasks/:id", undefined],
  ["GET /:id", undefined],
  ["PATCH /tasks/:id", { title: "t" }],
  ["DELETE /tasks/:id", undefined],
  ["POST /tasks/:id/notes", { author: "a", content: "c", type: "update" }],
  ["GET /tasks/:id/notes", undefined],
  ["POST /tasks/:id/artifacts", { artifacts: [{ type: "url", url: "u", label: "l" }] }],
  ["POST /tasks/:id/review", { summary: "s" }],
  ["POST /tasks/:id/approve", undefined],
  ["POST /tasks/:id/reject", { reason: "r" }],
  ["POST /tasks/:id/bump", undefined],
  ["POST /tasks/:id/claim", { agent: "a" }],
  ["POST /tasks/:id/heartbeat", { token: 1 }],
  ["POST /tasks/:id/release", { token: 1 }],
];

describe.each(ONE_TASK)("%s", (call, body) => {
  test("of an unknown task is 404 (spec §2)", async () => {
    for (const id of [UNKNOWN, "x", "__proto__", "%00", "..%2f"])
      await isRefused(call.replace(":id", id), body, [404, "task not found"]);
  });

  if (!call.startsWith("GET"))
    test("based on another state is 412 with the task, and based on this one is done (spec §2)", async () => {
      const task = await board.create();
      const path = call.replace(":id", task.id);
      const { lease } = await board.claim(task, "a");
      const sent = body && "token" in body ? { token: lease.token } : body;
      const state = await board.read(task);
      for (const tag of [`"${task.updatedAt}"`, `W/"${state.updatedAt}"`, "x", ""]) {
        const headers = { "If-Match": tag };
        const data = await isRefused(path, sent, [412, "task changed since it was read"], headers);
        expect(data.task).toEqual(state);
      }
      const { status } = await board.ask(path, sent, { "If-Match": `"x", "${state.updatedAt}"` });
      expect(status).toBeLessThan(300);
    });
});

test("If-Match: * is any state of a task that there is (spec §2)", async () => {
  const { id } = await board.create();
  expect((await board.ask(`POST /tasks/${id}/bump`, undefined, { "If-Match": "*" })).status).toBe(200);
  await isRefused(`POST /tasks/${UNKNOWN}/bump`, undefined, [404, "task not found"], { "If-Match": "*" });
});

describe("PATCH /board/tasks/:id (spec §2)", () => {
  const patch = (task: Task, body: object) => board.ask(`PATCH /tasks/${task.id}`, body);

  test("changes what is sent, and tells the new values of what changed", async () => {
    const task = await board.create({ description: "d", tags: ["a"] });
    board.told();
    const { data } = await patch(task, { title: " T ", status: "blocked", assignee: " bob ", tags: ["a"] });
    expect(data).toEqual({
      ...task,
      title: "T",
      status: "blocked",
      assignee: "bob",
      updatedAt: data.updatedAt,
    });
    expect(data.updatedAt > task.updatedAt).toBe(true);
    expect(board.told()).toEqual([
      ["board:task_updated", { task: data, changes: { status: "blocked", title: "T", assignee: "bob" } }],
      [
        "reef:event",
        { type: "board_task_status", source: "board", content: "T: open → blocked (bob)", taskId: task.id },
      ],
    ]);
  });

  test("takes assignee and description away", async () => {
    for (const assignee of [null, "", " "]) {
      const task = await board.create({ description: "d", assignee: "bob" });
      board.told();
      const { data } = await patch(task, { description: null, assignee });
      expect([data.description, data.assignee]).toEqual([undefined, undefined]);
      const changes = { description: null, assignee: null };
      expect(board.told()).toEqual([["board:task_updated", { task: data, changes }]]);
    }
  });

  test("that changes nothing changes nothing", async () => {
    const task = await board.create({ description: "d", tags: ["a", "b"], dependencies: ["x"] });
    board.told();
    const { id, notes, artifacts, score, createdBy, createdAt, updatedAt, ...same } = task;
    const before = stored();
    for (const body of [{}, same, { status: null, title: undefined, description: " ", tags: null }])
      expect((await patch(task, body)).data).toEqual(task);
    expect(stored()).toBe(before);
    expect(board.told()).toEqual([]);
  });

  test("with ifUpdatedAt is done on that state only", async () => {
    const task = await board.create();
    const zoned = task.updatedAt.replace("Z", "+00:00");
    const { data } = await patch(task, { title: "2", ifUpdatedAt: zoned });
    expect(data.title).toBe("2");
    const body = { title: "3", ifUpdatedAt: task.updatedAt };
    const refused = await isRefused(`PATCH /tasks/${task.id}`, body, [412, "task changed since it was read"]);
    expect(refused.task).toEqual(data);
  });

  test("without a state the last write wins, field by field", async () => {
    const task = await board.create();
    await Promise.all([patch(task, { title: "2" }), patch(task, { assignee: "bob" })]);
    expect(await board.read(task)).toMatchObject({ title: "2", assignee: "bob" });
  });

  test("moves updatedAt strictly, however quickly one writes", async () => {
    const task = await board.create();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => board.ask(`POST /tasks/${task.id}/bump`)),
    );
    const times = answers.map(({ data }) => data.updatedAt);
    expect(times).toEqual([...new Set(times)].toSorted());
    expect(answers.at(-1)?.data.score).toBe(50);
  });

  test.each<[unknown, string]>([
    ["[]", "Invalid JSON body"],
    [{ title: "", status: "x" }, "invalid status: x"],
    [{ title: " ", description: 5 }, "title cannot be empty"],
    [{ title: null }, "title cannot be empty"],
    [{ title: 5 }, "title must be a string"],
    [{ title: "new", description: 5 }, "description must be a string"],
    [{ title: "new", tags: [5] }, "tags must contain only strings"],
    [{ title: "new", assignee: 5 }, "assignee must be a string"],
    [{ title: "new", dependencies: "x" }, "dependencies must be an array"],
    [{ title: "new", ifUpdatedAt: "yesterday" }, "ifUpdatedAt must be a time"],
    [{ title: "new", leaseToken: "x" }, "leaseToken must be a number"],
  ])("refuses %.80j, and the store is byte-equal (spec §17.3)", async (body, error) => {
    const task = await board.create();
    await isRefused(`PATCH /tasks/${task.id}`, body, [400, error]);
  });
});

test("DELETE /board/tasks/:id removes the task and what belongs to it (spec §2)", async () => {
  const task = await board.create({ tags: ["a"], dependencies: ["x"] });
  await board.ask(`POST /tasks/${task.id}/notes`, { author: "a", content: "c", type: "update" });
  await board.claim(task, "ada", { force: true });
  board.told();
  expect((await board.ask(`DELETE /tasks/${task.id}`)).data).toEqual({ deleted: true });
  expect((await board.ask("GET /tasks")).data.count).toBe(0);
  expect(stored()).not.toContain("Sweep");
  expect(board.told()).toEqual([
    ["board:task_deleted", { taskId: task.id }],
    [
      "reef:event",
      { type: "board_task_deleted", source: "board", content: "Sweep: deleted", taskId: task.id },
    ],
  ]);
  await isRefused(`DELETE /tasks/${task.id}`, undefined, [404, "task not found"]);
});

describe("notes (spec §2)", () => {
  test("POST answers 201 with the note, and moves updatedAt", async () => {
    const task = await board.create();
    board.told();
    const sent = { author: " ada ", content: " Found\nit ", type: "finding" };
    const { status, data, headers } = await board.ask(`POST /tasks/${task.id}/notes`, sent);
    expect([status, Object.keys(data)]).toEqual([201, ["id", "author", "content", "type", "createdAt"]]);
    expect(data).toMatchObject({ author: "ada", content: "Found\nit", type: "finding" });
    const after = await board.read(task);
    expect(after).toEqual({ ...task, notes: [data], noteCount: 1, updatedAt: after.updatedAt });
    expect(after.updatedAt > task.updatedAt).toBe(true);
    expect(headers.get("etag")).toBe(`"${after.updatedAt}"`);
    expect(board.told()).toEqual([["board:task_updated", { task: after, changes: { notes: [data] } }]]);
  });

  test.each([...NOTE_TYPES])("takes the type %s; blockers and questions enter the tree", async (type) => {
    const task = await board.create();
    board.told();
    const { data } = await board.ask(`POST /tasks/${task.id}/notes`, {
      author: "ada",
      content: "c\nd",
      type,
    });
    const inTree = board.told().filter(([event]) => event === "reef:event");
    const content = `Sweep: ${type} of ada: c d`;
    const event = { type: "board_note", source: "board", content, taskId: task.id, noteId: data.id };
    expect(inTree).toEqual(type === "blocker" || type === "question" ? [["reef:event", event]] : []);
  });

  const valid = { author: "a", content: "c", type: "update" };
  test.each<[unknown, string]>([
    ["", "Invalid JSON body"],
    [{ type: "x" }, "author is required"],
    [{ ...valid, author: 5 }, "author must be a string"],
    [{ author: "a", type: "x" }, "content is required"],
    [{ ...valid, content: " " }, "content is required"],
    [{ ...valid, type: "x" }, "invalid note type: x"],
    [{ ...valid, type: undefined }, "type is required"],
    [{ ...valid, author: "x".repeat(201) }, "author is longer than 200 characters"],
    [{ ...valid, content: "x".repeat(65_537) }, "content is longer than 65536 characters"],
  ])("refuses %.80j", async (body, error) => {
    const { id } = await board.create();
    await isRefused(`POST /tasks/${id}/notes`, body, [400, error]);
  });

  test("GET lists them oldest first, page by page", async () => {
    const [task, other] = [await board.create(), await board.create()];
    for (let n = 0; n < 5; n++)
      await board.ask(`POST /tasks/${task.id}/notes`, { author: "a", content: `${n}`, type: "update" });
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { data } = await board.ask(`GET /tasks/${task.id}/notes?limit=2&total=true${query}`);
      expect([data.count <= 2, data.total]).toEqual([true, 5]);
      seen.push(...data.notes.map(({ content }: { content: string }) => content));
      if (data.cursor)
        await isRefused(`GET /tasks/${other.id}/notes?cursor=${data.cursor}`, undefined, [
          400,
          "invalid cursor",
        ]);
      cursor = data.cursor;
    }
    expect(seen).toEqual(["0", "1", "2", "3", "4"]);
  });
});

describe("artifacts (spec §2)", () => {
  const valid = { type: "url", url: "https://example.org", label: "it" };

  test("POST answers 201 with the task", async () => {
    const task = await board.create();
    board.told();
    const artifacts = ARTIFACT_TYPES.map((type) => ({ type, url: " u ", label: " l " }));
    const sent = [...artifacts, { ...valid, addedBy: " ada " }];
    const { status, data } = await board.ask(`POST /tasks/${task.id}/artifacts`, { artifacts: sent });
    expect([status, data.artifactCount]).toEqual([201, 7]);
    const [first] = data.artifacts;
    const last = data.artifacts.at(-1);
    expect(first).toEqual({ type: "branch", url: "u", label: "l", addedAt: first.addedAt });
    expect(last).toEqual({ ...valid, addedAt: first.addedAt, addedBy: "ada" });
    expect(Object.keys(last)).toEqual(["type", "url", "label", "addedAt", "addedBy"]);
    expect(data.updatedAt > task.updatedAt).toBe(true);
    const changes = { artifacts: data.artifacts };
    expect(board.told()).toEqual([["board:task_updated", { task: data, changes }]]);
  });

  const none = "artifacts array is required and must not be empty";
  const problems: [unknown, string][] = [
    [[{ ...valid, type: "x", url: "" }], "invalid artifact type: x"],
    [[valid, { ...valid, url: " ", label: "" }], "artifact url is required"],
    [[{ ...valid, label: undefined }], "artifact label is required"],
    [[{ ...valid, url: 5 }], "artifact url must be a string"],
    [[{ ...valid, addedBy: 5 }], "artifact addedBy must be a string"],
    [[null], "artifacts must contain only objects"],
    [Array(101).fill(valid), "artifacts has more than 100 items"],
    [[{ ...valid, url: "x".repeat(2_049) }], "artifact url is longer than 2048 characters"],
    [[{ ...valid, label: "x".repeat(201) }], "artifact label is longer than 200 characters"],
  ];
  test.each<[unknown, string]>([[undefined, none], ["x", none], [{}, none], [[], none], ...problems])(
    "refuses %.80j",
    async (artifacts, error) => {
      const { id } = await board.create();
      await isRefused(`POST /tasks/${id}/artifacts`, { artifacts }, [400, error]);
    },
  );

  test.each(problems)(
    "a review refuses %.80j, and the store is byte-equal (spec §17.3)",
    async (artifacts, error) => {
      const { id } = await board.create();
      await isRefused(`POST /tasks/${id}/review`, { summary: "s", artifacts }, [400, error]);
    },
  );
});

describe("review, approve, reject (spec §2)", () => {
  const act = (task: Task, action: string, body?: unknown) =>
    board.ask(`POST /tasks/${task.id}/${action}`, body);

  test("review hands in: a note, artifacts and the status, in one change", async () => {
    const task = await board.create();
    board.told();
    const artifacts = [
      { type: "url", url: "u", label: "l" },
      { type: "file", url: "f", label: "l", addedBy: "bob" },
    ];
    const { data } = await act(task, "review", { summary: " Swept ", reviewedBy: " ada ", artifacts });
    expect(data).toMatchObject({ status: "in_review", noteCount: 1, artifactCount: 2 });
    expect(data.notes).toMatchObject([{ author: "ada", content: "Swept", type: "update" }]);
    expect(data.artifacts.map(({ addedBy }: { addedBy: string }) => addedBy)).toEqual(["ada", "bob"]);
    const changes = { status: "in_review", notes: data.notes, artifacts: data.artifacts };
    const content = "Sweep: open → in_review (ada)";
    expect(board.told()).toEqual([
      ["board:task_updated", { task: data, changes }],
      ["reef:event", { type: "board_task_status", source: "board", content, taskId: task.id }],
    ]);
  });

  test.each<[string, unknown, string, string, string]>([
    ["review", { summary: "s", artifacts: [] }, "in_review", "unknown", "s"],
    ["approve", undefined, "done", "unknown", "Approved by unknown"],
    ["approve", "", "done", "unknown", "Approved by unknown"],
    ["approve", { approvedBy: " bob " }, "done", "bob", "Approved by bob"],
    ["approve", { approvedBy: "bob", comment: " Fine " }, "done", "bob", "Approved by bob: Fine"],
    ["reject", { reason: " Dust " }, "open", "unknown", "Rejected by unknown: Dust"],
    ["reject", { reason: "Dust", rejectedBy: " bob " }, "open", "bob", "Rejected by bob: Dust"],
  ])("%s with %j", async (action, body, status, author, content) => {
    const { data } = await act(await board.create({ status: "blocked" }), action, body);
    expect([data.status, data.notes.length]).toEqual([status, 1]);
    expect(data.notes[0]).toMatchObject({ author, content, type: "update" });
  });

  test.each<[string, unknown, string]>([
    ["review", "", "Invalid JSON body"],
    ["review", { reviewedBy: 5 }, "summary is required"],
    ["review", { summary: "s", reviewedBy: 5 }, "reviewedBy must be a string"],
    ["review", { summary: "s", artifacts: "x" }, "artifacts must be an array"],
    ["approve", "[]", "Invalid JSON body"],
    ["approve", { approvedBy: 5 }, "approvedBy must be a string"],
    ["approve", { comment: 5 }, "comment must be a string"],
    ["reject", "", "Invalid JSON body"],
    ["reject", { rejectedBy: "b" }, "reason is required"],
    ["reject", { reason: "r", rejectedBy: 5 }, "rejectedBy must be a string"],
  ])("%s refuses %j", async (action, body, error) => {
    const { id } = await board.create();
    await isRefused(`POST /tasks/${id}/${action}`, body, [400, error]);
  });
});

test("POST /board/tasks/:id/bump adds one to the score, whatever its body (spec §2)", async () => {
  const task = await board.create();
  board.told();
  for (const body of [undefined, "{", "[]", { score: 99 }])
    await board.ask(`POST /tasks/${task.id}/bump`, body);
  const after = await board.read(task);
  expect(after.score).toBe(4);
  expect(board.told().at(-1)).toEqual(["board:task_updated", { task: after, changes: { score: 4 } }]);
});

test("GET /board/stats counts all, by status, what waits and what is leased (spec §2)", async () => {
  const first = await board.create();
  await board.create({ dependencies: [first.id] });
  await board.create({ status: "done" });
  await board.claim(first, "ada");
  expect((await board.ask("GET /stats")).data).toEqual({
    total: 3,
    byStatus: { open: 1, in_progress: 1, in_review: 0, blocked: 0, done: 1 },
    blocked: 1,
    leased: 1,
  });
});

test("a task that is made tells bus and tree, and names its cause (spec §2)", async () => {
  const title = `a\nb ${"x".repeat(400)}`;
  const { ctx } = board.harness;
  const body = JSON.stringify({ title, createdBy: "ada" });
  const made = await ctx.withCause("node-7", () => ctx.fetch("/board/tasks", { method: "POST", body }));
  const { id } = await made.json();
  const task = (await board.ask(`GET /tasks/${id}`)).data;
  expect(task.causeId).toBe("node-7");
  expect(board.told()).toEqual([
    ["board:task_created", { task }],
    [
      "reef:event",
      { type: "board_task_created", source: "board", content: `a b ${"x".repeat(155)}… (ada)`, taskId: id },
    ],
  ]);
});
