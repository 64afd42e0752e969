// A submit under an Idempotency-Key is done once: over repeats, races, kills, and a crash before its answer was kept.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, type Reef, startReef } from "./reef.js";

const FILE = "reef_idempotency.sqlite";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

async function submit(key: string, body: unknown, at = reef) {
  const answer = await at.fetch("/reef/submit", {
    method: "POST",
    headers: { "Idempotency-Key": key },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return {
    status: answer.status,
    replayed: answer.headers.get("idempotency-replayed"),
    body: await answer.json(),
  };
}

const state = (at = reef) => at.api("GET", "/reef/state");
const users = async (at: Reef) => (await at.nodes()).filter((node) => node.role === "user");

describe("Idempotency-Key on submit (spec §2.7)", () => {
  test("the same key and body give the first answer again, and no second task", async () => {
    const first = await submit("k1", { task: "What is 2+2?" });
    expect(first).toMatchObject({ status: 202, replayed: null, body: { status: "running" } });
    await reef.over(first.body.id);
    const before = await state();
    expect(await submit("k1", { task: "What is 2+2?" })).toEqual({ ...first, replayed: "true" });
    expect(await state()).toEqual(before);
    expect((await reef.api("GET", `/reef/tree/${first.body.nodeId}`)).node).toMatchObject({
      content: "What is 2+2?",
    });
  });

  test("of many at once one task comes", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => submit("race", { task: "What is 1+1?" })),
    );
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect((await users(reef)).filter((node) => node.content === "What is 1+1?")).toHaveLength(1);
    await reef.over(answers[0]?.body.id);
  });

  test("another body is 409 and changes nothing, byte for byte", async () => {
    await submit("k2", { task: "What is 3+3?" });
    const before = await state();
    for (const other of [{ task: "What is 4+4?" }, '{"task": "What is 3+3?"}', "{", ""]) {
      expect(await submit("k2", other)).toMatchObject({
        status: 409,
        body: { error: "Idempotency-Key 'k2' was used with another body", code: "conflict" },
      });
    }
    expect((await state()).totalTasks).toBe(before.totalTasks);
  });

  test("what was refused leaves the key free", async () => {
    for (const [body, status] of [
      ["{", 400],
      [{ task: "x", parentId: "nope" }, 404],
      [{ task: "x", taskId: "main" }, 409],
    ] as const)
      expect((await submit("k3", body)).status).toBe(status);
    expect(await submit("k3", { task: "What is 5+5?" })).toMatchObject({ status: 202, replayed: null });
  });

  test.each([
    ["an empty one", ""],
    ["one of 201 characters", "x".repeat(201)],
  ])("%s is 400", async (_what, key) => {
    const before = await state();
    expect(await submit(key, { task: "What is 6+6?" })).toMatchObject({
      status: 400,
      body: { code: "bad_request" },
    });
    expect((await state()).totalTasks).toBe(before.totalTasks);
  });

  test("other routes take no notice of it", async () => {
    for (let n = 0; n < 2; n++) {
      const answer = await reef.fetch("/store/k", {
        method: "PUT",
        headers: { "Idempotency-Key": "s" },
        body: JSON.stringify({ value: n }),
      });
      expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([200, null]);
    }
  });

  test("a task's keys are its own: it gets no answer that was given to somebody else", async () => {
    const body = JSON.stringify({ task: "What is 7+7?" });
    const mine = await submit("shared", body);
    const command = `curl -s -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" -H "Idempotency-Key: shared" -d '${body}' $VERS_INFRA_URL/reef/submit`;
    await reef.submit({ task: `call bash ${JSON.stringify({ command })}`, taskId: "asker" });
    const { nodes } = await reef.over("asker");
    const shown = nodes.find((node) => node.role === "tool_result")?.content ?? "";
    expect(JSON.parse(shown.slice(shown.indexOf("{")))).toMatchObject({ prompt: "What is 7+7?" });
    expect(shown).not.toContain(mine.body.nodeId);
  });
});

describe("over the end of a server (spec §1.5, §2.7)", () => {
  const task = { task: "slow: 3 words every 5 ms", taskId: "once" };

  test("what was answered before a kill is answered again after it", async () => {
    const first = await startReef();
    const answer = await submit("k", task, first);
    await first.kill();
    const again = await first.restart();
    expect(await submit("k", task, again)).toEqual({ ...answer, replayed: "true" });
    expect(await users(again)).toHaveLength(1);
    expect((await again.over("once")).status).toBe("done");
    await again.stop();
  }, 30_000);

  test("what was done and not answered is found, and not done again", async () => {
    const first = await startReef();
    const { body } = await submit("k", task, first);
    await first.kill();
    // As it would stand if the kill had come between the commit of the task and that of the answer.
    const keys = new Database(join(first.dataDir, FILE));
    expect(keys.run("UPDATE keys SET status = NULL, bytes = 0, body = NULL").changes).toBe(1);
    keys.close();
    const again = await first.restart();
    expect(await submit("k", task, again)).toEqual({ status: 202, replayed: "true", body });
    expect(await submit("k", task, again)).toEqual({ status: 202, replayed: "true", body });
    expect(await users(again)).toHaveLength(1);
    await again.stop();
  }, 30_000);

  test("what was not done is done at the next attempt, once", async () => {
    const first = await startReef();
    await first.stop();
    // As it would stand if the kill had come before the commit of the task.
    const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify(task)).digest("hex");
    const id = "01K00000000000000000000000";
    const keys = new Database(join(first.dataDir, FILE));
    const scope = JSON.stringify(["server", null, null, null, "POST", "/submit"]);
    const row = [id, scope, "k", hash, Date.now()];
    keys.run("INSERT INTO keys (id, scope, key, hash, at) VALUES (?, ?, ?, ?, ?)", row);
    keys.close();
    const again = await first.restart();
    const answer = await submit("k", task, again);
    expect(answer).toMatchObject({ status: 202, replayed: null, body: { id: "once", nodeId: id } });
    expect(await submit("k", task, again)).toEqual({ ...answer, replayed: "true" });
    expect(await users(again)).toHaveLength(1);
    await again.over("once");
    await again.stop();
  }, 30_000);
});

test("no secret is in the file of the keys (spec §1.5)", async () => {
  const token = "server-token-of-the-keys";
  const guarded = await startReef({ token, env: { HOST: "127.0.0.1", REEF_OFFLINE: "1" } });
  const { body } = await submit("k", { task: `Hello ${token}` }, guarded);
  expect(body.prompt).toBe("Hello [redacted:VERS_AUTH_TOKEN]");
  await guarded.stop();
  for (const file of readdirSync(guarded.dataDir).filter((name) => name.startsWith("reef_idempotency")))
    expect(readFileSync(join(guarded.dataDir, file)).includes(token)).toBe(false);
});
