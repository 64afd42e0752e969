// The board's lists: what is in them, in which order, page by page, and that each is read from an index.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { queryPlans, scansIn } from "#core/testing.js";
import { startBoard, type TestBoard } from "./board-under-test.js";
import type { Task } from "./task.js";

let board: TestBoard;
beforeEach(async () => {
  board = await startBoard();
});
afterEach(() => board.harness.cleanup());

const list = async (query: string) => (await board.ask(`GET /tasks?${query}`)).data;
const titles = async (query: string) => (await list(query)).tasks.map(({ title }: Task) => title).join("");
const done = (task: Task) => board.ask(`POST /tasks/${task.id}/approve`);
async function bump(task: Task, times: number) {
  for (let n = 0; n < times; n++) await board.ask(`POST /tasks/${task.id}/bump`);
}

describe("GET /board/tasks (spec §2)", () => {
  test("filters by status, assignee, tag and creator, exactly and all together; newest first", async () => {
    await board.create({ title: "1", tags: ["a", "b"] });
    await board.create({ title: "2", tags: ["a"], assignee: "bob", createdBy: "eve" });
    await board.create({ title: "3", tags: ["b"], assignee: "bob", status: "done" });
    await board.create({ title: "4", assignee: "Bob", status: "blocked" });
    expect(await titles("")).toBe("4321");
    expect(await titles("status=open")).toBe("21");
    expect(await titles("assignee=bob")).toBe("32");
    expect(await titles("tag=a")).toBe("21");
    expect(await titles("createdBy=eve")).toBe("2");
    expect(await titles("tag=b&assignee=bob")).toBe("3");
    expect(await titles("tag=a&assignee=bob&status=open&createdBy=eve")).toBe("2");
    for (const query of ["status=odd", "status=Open", "assignee=", "tag=A", "createdBy=__proto__"])
      expect(await list(query)).toEqual({ tasks: [], count: 0, cursor: null });
    expect(await titles("status=open&status=done")).toBe("21");
  });

  test("follows tags and assignees as they change", async () => {
    const task = await board.create({ title: "1", tags: ["a", "a"], assignee: "bob" });
    await board.ask(`PATCH /tasks/${task.id}`, { tags: ["b"], assignee: "eve" });
    for (const [query, found] of [
      ["tag=a", ""],
      ["tag=b", "1"],
      ["assignee=bob", ""],
      ["assignee=eve", "1"],
    ])
      expect([query, await titles(`${query}`)]).toEqual([query, found]);
  });

  test("sort=score is highest first, then oldest first, with any filter", async () => {
    const tasks: Task[] = [];
    for (const title of ["1", "2", "3", "4"])
      tasks.push(await board.create({ title, tags: ["t"], assignee: "bob" }));
    const [, second, , fourth] = tasks;
    if (second) await bump(second, 1);
    if (fourth) await bump(fourth, 2);
    const filters = [
      "",
      "tag=t",
      "assignee=bob",
      "createdBy=ada",
      "status=open",
      "ready=true",
      "blocked=false",
    ];
    for (const filter of filters)
      expect([filter, await titles(`${filter}&sort=score`)]).toEqual([filter, "4213"]);
    expect(await titles("ready=true")).toBe("4213");
  });

  test("ready are open, without a lease, and wait for nothing; blocked are those that wait", async () => {
    const first = await board.create({ title: "1" });
    const second = await board.create({
      title: "2",
      dependencies: [first.id, first.id.toLowerCase(), "gone"],
    });
    const third = await board.create({ title: "3", dependencies: [second.id, first.id] });
    await board.create({ title: "4", status: "blocked" });
    const seen = async () => [await titles("ready=true"), await titles("blocked=true")].join("|");
    expect(await seen()).toBe("1|32");
    expect(await titles("blocked=false")).toBe("41");
    expect(await titles("ready=false")).toBe("432");
    expect((await board.read(second)).blockedBy).toEqual([first.id]);
    expect((await board.read(third)).blockedBy).toEqual([second.id, first.id]);
    const { lease } = await board.claim(first, "ada");
    expect(await seen()).toBe("|32");
    await board.ask(`POST /tasks/${first.id}/release`, { token: lease.token });
    expect(await seen()).toBe("1|32");
    await done(first);
    expect(await seen()).toBe("2|3");
    await board.ask(`POST /tasks/${first.id}/reject`, { reason: "no" });
    expect(await seen()).toBe("1|32");
    await board.ask(`DELETE /tasks/${first.id}`);
    expect(await seen()).toBe("2|3");
    expect((await board.read(second)).dependencies).toEqual([first.id, first.id.toLowerCase(), "gone"]);
    await board.ask(`PATCH /tasks/${third.id}`, { dependencies: [] });
    expect(await seen()).toBe("23|");
  });

  test("an open task whose holder put it back without giving up the lease is not ready", async () => {
    const task = await board.create({ title: "1" });
    const { lease } = await board.claim(task, "ada");
    await board.ask(`PATCH /tasks/${task.id}`, { status: "open", leaseToken: lease.token });
    expect(await board.read(task)).toMatchObject({ status: "open", lease: { agent: "ada" } });
    expect(await titles("ready=true")).toBe("");
  });

  test("pages go on in the same order and with the same filters, and end with null", async () => {
    for (let n = 0; n < 7; n++) {
      const task = await board.create({ title: `${n}`, tags: [n % 2 ? "odd" : "even"] });
      await bump(task, n % 3);
    }
    for (const [query, expected] of [
      ["", "6543210"],
      ["sort=score", "2514036"],
      ["tag=even", "6420"],
      ["tag=even&sort=score", "2406"],
      ["status=open", "6543210"],
    ]) {
      let [seen, cursor] = ["", ""];
      for (let pages = 0; pages < 5; pages++) {
        const page = await list(`${query}&limit=2&total=true${cursor && `&cursor=${cursor}`}`);
        expect([page.count, page.total]).toEqual([page.tasks.length, expected?.length]);
        seen += page.tasks.map(({ title }: Task) => title).join("");
        if (page.cursor === null) break;
        cursor = page.cursor;
      }
      expect([query, seen]).toEqual([query, expected]);
    }
    const { cursor } = await list("tag=even&limit=1");
    expect(await titles(`cursor=${cursor}`)).toBe("420");
    for (const query of [`tag=odd&cursor=${cursor}`, `sort=score&cursor=${cursor}`, "cursor=x"])
      expect(await list(query)).toEqual({ error: "invalid cursor", code: "bad_request" });
  });

  test.each(["limit=0", "limit=x", "total=1", "ready=yes", "blocked=1", "sort=title", "view=full"])(
    "refuses ?%s",
    async (query) => {
      const [name, value] = query.split("=");
      expect(await board.ask(`GET /tasks?${query}`)).toMatchObject({
        status: 400,
        data: { error: `invalid ${name}: ${value}`, code: "bad_request" },
      });
    },
  );

  test("a task shows its newest 50 notes and artifacts in lists, 1,000 alone, none in brief; counts are true", async () => {
    const task = await board.create();
    const note = (n: number) => ({ author: "a", content: `${n}`, type: "update" });
    for (let n = 0; n < 60; n++) await board.ask(`POST /tasks/${task.id}/notes`, note(n));
    const artifacts = Array.from({ length: 100 }, (_, n) => ({ type: "url", url: `${n}`, label: "l" }));
    for (let n = 0; n < 10; n++) await board.ask(`POST /tasks/${task.id}/artifacts`, { artifacts });
    const counts = { noteCount: 60, artifactCount: 1_000 };
    const [listed] = (await list("")).tasks;
    expect(listed).toMatchObject(counts);
    expect(listed.notes.map(({ content }: { content: string }) => Number(content))).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 10),
    );
    expect(listed.artifacts.map(({ url }: { url: string }) => Number(url))).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 50),
    );
    const alone = await board.read(task);
    expect(alone).toMatchObject(counts);
    expect([alone.notes.length, alone.artifacts.length]).toEqual([60, 1_000]);
    const [brief] = (await list("view=brief")).tasks;
    expect(brief).toEqual({ ...alone, notes: [], artifacts: [] });
    const more = await board.ask(`POST /tasks/${task.id}/artifacts`, { artifacts: artifacts.slice(99) });
    expect([more.status, more.data.error]).toEqual([409, "task has too many artifacts"]);
  });
});

test("of notes a task shows at most 4 MiB, the newest (spec §1.5)", async () => {
  const task = await board.create();
  const content = "x".repeat(65_536);
  for (let n = 0; n < 70; n++)
    await board.ask(`POST /tasks/${task.id}/notes`, { author: `${n}`, content, type: "update" });
  const { notes, noteCount } = await board.read(task);
  expect([notes.length, notes.at(-1)?.author, noteCount]).toEqual([64, "69", 70]);
});

test("GET /board/review has what is in review, last changed first (spec §2)", async () => {
  const tasks = [
    await board.create({ title: "1" }),
    await board.create({ title: "2" }),
    await board.create(),
  ];
  const review = (task: Task | undefined) => board.ask(`POST /tasks/${task?.id}/review`, { summary: "s" });
  await review(tasks[1]);
  await review(tasks[0]);
  const { data } = await board.ask("GET /review?limit=1&total=true");
  expect(data).toMatchObject({
    tasks: [{ title: "1", status: "in_review", noteCount: 1 }],
    count: 1,
    total: 2,
  });
  expect((await board.ask(`GET /review?cursor=${data.cursor}`)).data).toMatchObject({
    tasks: [{ title: "2" }],
    cursor: null,
  });
  await board.ask(`POST /tasks/${tasks[1]?.id}/bump`);
  expect((await board.ask("GET /review")).data.tasks.map(({ title }: Task) => title)).toEqual(["2", "1"]);
});

describe("dependencies (spec §2)", () => {
  test("that would close a circle are refused, with the way", async () => {
    const a = await board.create();
    const b = await board.create({ dependencies: [a.id] });
    const c = await board.create({ dependencies: ["x", b.id] });
    const depend = async (task: Task, ...on: string[]) =>
      (await board.ask(`PATCH /tasks/${task.id}`, { dependencies: on })).data;
    const circle = (...way: Task[]) => ({
      error: `dependency cycle: ${way.map(({ id }) => id).join(" -> ")}`,
      code: "bad_request",
    });
    expect(await depend(a, a.id)).toEqual(circle(a, a));
    expect(await depend(a, b.id)).toEqual(circle(a, b, a));
    expect(await depend(a, "y", c.id.toLowerCase())).toEqual(circle(a, c, b, a));
    expect((await board.read(a)).dependencies).toEqual([]);
    await done(b);
    expect(await depend(a, b.id)).toEqual(circle(a, b, a));
    await board.ask(`DELETE /tasks/${b.id}`);
    expect(await depend(a, c.id)).toMatchObject({ dependencies: [c.id], blockedBy: [c.id] });
  });

  test("of a long chain may grow without end, and a check that would follow too many links is refused", async () => {
    let last = await board.create();
    const first = last;
    for (let n = 0; n < 110; n++) last = await board.create({ dependencies: [last.id] });
    // A wide graph behind the chain: each of the 110 tasks depends on 200 others.
    const leaves = Array.from({ length: 199 }, (_, n) => `leaf-${n}`);
    const chain: Task[] = (await list("view=brief&blocked=true")).tasks;
    expect(chain).toHaveLength(110);
    for (const { id, dependencies } of chain)
      await board.ask(`PATCH /tasks/${id}`, { dependencies: [...dependencies, ...leaves] });
    const { status, data } = await board.ask(`PATCH /tasks/${first.id}`, { dependencies: [last.id] });
    expect([status, data.error]).toEqual([400, "dependencies lead to more than 20000 others"]);
    expect(
      (await board.ask("POST /tasks", { title: "t", createdBy: "c", dependencies: [last.id] })).status,
    ).toBe(201);
  });
});

test("no list and no count scans its table or sorts, whatever the filter and the order (spec §17.7)", async () => {
  const { dataDir } = board.harness;
  const task = await board.create({ tags: ["t"], assignee: "bob", dependencies: ["x"] });
  for (let n = 0; n < 3; n++) await board.create({ tags: ["t"], assignee: "bob", dependencies: [task.id] });
  const filters = ["", "status=open", "assignee=bob", "tag=t", "createdBy=ada", "ready=false", "ready=true"];
  filters.push("blocked=true", "blocked=false", "tag=t&status=open", "assignee=bob&status=open&blocked=true");
  const plans = await queryPlans(`${dataDir}/board.sqlite`, async () => {
    for (const filter of filters)
      for (const order of ["", "&sort=score"]) {
        const { cursor } = await list(`${filter}${order}&limit=1&total=true`);
        if (cursor) await list(`${filter}${order}&limit=1&view=brief&cursor=${cursor}`);
      }
    await board.ask(`POST /tasks/${task.id}/review`, { summary: "s" });
    await board.ask("GET /review?limit=1&total=true");
    await board.ask(`GET /tasks/${task.id}/notes?total=true`);
    await board.ask("GET /stats");
    const { lease } = await board.claim(await board.create(), "ada");
    await board.ask(`POST /tasks/${task.id}/heartbeat`, { token: lease.token });
    await done(task);
    await board.ask(`DELETE /tasks/${task.id}`, undefined, { "Lease-Token": "1" });
    await board.ask(`DELETE /tasks/${task.id}?ownLease=true`, undefined, { "X-Agent-Name": "ada" });
  });
  expect(plans.length).toBeGreaterThan(40);
  expect(scansIn(plans)).toEqual([]);
  const lists = plans.filter(({ sql }) => /FROM (tasks|task_tags) .*ORDER BY/s.test(sql));
  expect(lists.length).toBeGreaterThan(15);
  for (const { plan } of lists) expect(plan).toMatch(/^SEARCH (tasks|task_tags) USING/);
});
