// SkillHub in a real reef: its stream over reloads and the end of the server, and what a task publishes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readSse } from "../core/sse-reader.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";

const CHANGES = 300;

let reef: Reef;
beforeAll(async () => {
  reef = await startReefWith(["skills"]);
});
afterAll(cleanUp);

const publish = (name: string, content: string) =>
  reef.api("POST", "/skills/items", { name, content, description: "d", publishedBy: "ada" });

test("changes reach a stream that is cut and a service that is reloaded, once and in order (spec §1.6, §17.8)", async () => {
  await publish("start", "0");
  const { revision } = await reef.api("GET", "/skills/manifest");
  const seen = followWithCuts(revision);
  const sent: Promise<{ version: number }>[] = [];
  for (let n = 0; n < CHANGES; n++) {
    sent.push(publish(`skill-${n % 10}`, `${n}`));
    if (n % 100 === 50) await reef.api("POST", "/services/reload/skills");
  }
  await Promise.all(sent);
  const changes = await seen;
  const ids = changes.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].toSorted());
  for (let n = 0; n < 10; n++) {
    const versions = changes.filter(({ name }) => name === `skill-${n}`).map(({ version }) => version);
    expect(versions).toEqual(Array.from({ length: CHANGES / 10 }, (_, index) => index + 1));
  }
}, 60_000);

/** Goes away after every seventh change and comes back with the last id. */
async function followWithCuts(since: string): Promise<{ id: string; name: string; version: number }[]> {
  const changes: { id: string; name: string; version: number }[] = [];
  while (changes.length < CHANGES) {
    const headers = { "Last-Event-ID": changes.at(-1)?.id ?? since };
    const stream = readSse(await reef.fetch("/skills/stream", { headers }));
    for (let taken = 0; taken < 7 && changes.length < CHANGES; ) {
      const frame = await stream.next();
      if (frame === undefined) break;
      if (frame.id === undefined) continue;
      changes.push(JSON.parse(frame.data ?? ""));
      taken++;
    }
    await stream.close();
  }
  return changes;
}

test("what a task publishes hangs under its call, and only operators publish extensions (spec §7, §17.9)", async () => {
  const call = (path: string) =>
    `curl -s -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" -d '{"name": "by-task", "description": "d", "content": "c", "publishedBy": "teller"}' $VERS_INFRA_URL/skills/${path}`;
  const bash = (path: string) => `call bash ${JSON.stringify({ command: call(path) })}`;
  await reef.submit({ task: `${bash("items")}\n${bash("extensions")}`, taskId: "teller" });
  const { nodes } = await reef.over("teller");
  const results = nodes.filter((node) => node.role === "tool_result").map((node) => node.content);
  expect(results[0]).toContain('"version":1');
  expect(results[1]).toContain('scope \\"admin\\" is required');
  const all = await reef.nodes();
  const event = all.find((node) => node.eventType === "skills_published" && node.content.includes("by-task"));
  expect(event).toMatchObject({ content: "teller published skill by-task, version 1", taskId: "teller" });
  const { chain } = await reef.api("GET", `/reef/tree/${event?.id}/why`);
  expect(chain.map(({ node }: { node: { role: string } }) => node.role)).toContain("tool_call");
}, 60_000);

test("streams are told goodbye when the service is reloaded, and when the server stops (spec §1.6)", async () => {
  for (const [end, reason] of [
    [() => reef.api("POST", "/services/reload/skills"), "reload"],
    [() => reef.stop(), "shutdown"],
  ] as const) {
    const stream = readSse(await reef.fetch("/skills/stream"));
    await stream.until(({ retry }) => retry !== undefined);
    await end();
    expect((await stream.rest()).at(-1)).toEqual({ event: "bye", data: JSON.stringify({ reason }) });
  }
}, 60_000);
