// Agents that work together, as real processes: one runs a swarm, three workers share its board, and one of them is
// killed with a card in its hands. Board, feed, usage, registry, report and tree tell the same story (fleet spec §2, §15,
// §17.14).
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { reef as commandLine } from "../cli/support.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { startReefWith } from "./reef-with.js";

setDefaultTimeout(120_000);

const TOPIC = "lagoon";
const SUMS = ["100/4 = 25", "2+2 = 4", "41+1 = 42", "6*7 = 42", "9-4 = 5"];
const OWN_VM = "vm-of-the-server";

interface Note {
  author: string;
  type: string;
  content: string;
}

interface Card {
  id: string;
  title: string;
  status: string;
  assignee?: string;
  notes: Note[];
}

interface FeedEvent {
  agent: string;
  type: string;
  summary: string;
  metadata?: { taskId?: string };
}

let reef: Reef;
/** The worker that was killed, and the card that it held. */
let killed: { worker: string; card: string; title: string };

beforeAll(async () => {
  reef = await startReefWith(["board", "feed", "registry", "reports", "usage"], {
    env: { VERS_VM_ID: OWN_VM },
  });
  await reef.submit({ task: `Run a swarm of 3 workers on ${TOPIC}.`, taskId: TOPIC });
  killed = await killOneThatHoldsACard();
  await reef.over(TOPIC);
  for (const worker of workers()) await reef.over(worker);
});
afterAll(cleanUp);

test("all cards are done, that of the killed worker by another one", async () => {
  const cards = await board();
  expect(cards.map(({ status }) => status)).toEqual(Array(SUMS.length).fill("done"));
  const summaries = cards.map((card) => handedIn(card)?.content ?? "").sort();
  expect(summaries).toEqual(SUMS);

  const back = cards.find(({ id }) => id === killed.card);
  const expired = back?.notes.find(({ author }) => author === "board");
  expect(expired?.content).toStartWith(`Lease of ${killed.worker} expired`);
  expect(back && handedIn(back)?.author).not.toBe(killed.worker);
  expect((await reef.over(killed.worker)).artifacts?.error).toContain("SIGKILL");
});

test("what blocked a worker was noted, answered and worked out", async () => {
  const blocked = (await board()).find(({ title }) => title === "Work out 41+1");
  const told = blocked?.notes.map(({ type, content }) => `${type}: ${content}`) ?? [];
  expect(told).toEqual([
    "blocker: What is x?",
    "update: x is 41",
    "update: 41+1 = 42",
    `update: Approved by ${TOPIC}`,
  ]);
});

test("the feed tells what the board did, and who worked", async () => {
  const events: FeedEvent[] = await reef.api("GET", "/feed/events?limit=1000");
  const ofType = (type: string) => events.filter((event) => event.type === type);
  const cards = await board();
  const completed = ofType("task_completed").map(({ metadata }) => metadata?.taskId ?? "");
  expect(completed.sort()).toEqual(cards.map(({ id }) => id).sort());
  // One claim for each card, one more for the one that was blocked and the one that came back.
  expect(ofType("task_started").length).toBeGreaterThanOrEqual(SUMS.length + 2);
  expect(ofType("blocker_found").length).toBeGreaterThan(0);
  expect(ofType("finding").map(({ agent }) => agent)).toEqual([TOPIC]);
  expect(new Set(ofType("agent_started").map(({ agent }) => agent))).toEqual(new Set([TOPIC, ...workers()]));
});

test("usage has one session for each agent that came to its end, with the tokens that the tree has", async () => {
  const { sessions } = await reef.api("GET", "/usage/sessions?range=1h");
  const alive = [TOPIC, ...workers()].filter((name) => name !== killed.worker);
  for (const name of alive) {
    const own = sessions.filter(({ agent }: { agent: string }) => agent === name);
    const { usage } = await reef.over(name);
    expect([name, own.map(({ tokens }: { tokens: { total: number } }) => tokens.total)]).toEqual([
      name,
      [usage.totalTokens],
    ]);
  }
});

test("the registry knows the server's own machine, which no task renamed or stopped", async () => {
  const { vms } = await reef.api("GET", "/registry/vms");
  expect(vms).toMatchObject([{ id: OWN_VM, role: "infra", status: "running", stale: false }]);
});

test("the report can be read by anybody who has its link", async () => {
  const { reports } = await reef.api("GET", "/reports");
  const { links } = await reef.api("GET", `/reports/${reports[0].id}/shares`);
  const page = await fetch(`${reef.url}/reports/share/${links[0].linkId}`);
  expect(page.status).toBe(200);
  const text = await page.text();
  for (const sum of SUMS) expect(text).toContain(`${sum} (done)`);
});

test("the tree leads from everything back to the one prompt", async () => {
  const nodes = await reef.nodes();
  const prompt = nodes.find(({ role, taskId }) => role === "user" && taskId === TOPIC);
  const events = nodes.filter(({ eventType }) => /^(board|reports)_/.test(eventType ?? ""));
  expect(new Set(events.map(({ eventType }) => eventType))).toEqual(
    new Set([
      "board_task_created",
      "board_task_status",
      "board_note",
      "board_lease_expired",
      "reports_created",
      "reports_shared",
    ]),
  );
  for (const event of events) {
    const { chain } = await reef.api("GET", `/reef/tree/${event.id}/why`);
    const causes = chain.map((step: { node: { id: string } }) => step.node.id);
    expect([event.eventType, causes.includes(prompt?.id)]).toEqual([event.eventType, true]);
  }
});

test("`reef tree` draws it", async () => {
  const drawn = await commandLine(reef.url, ["tree"]);
  expect(drawn).toMatchObject({ code: 0, err: "" });
  for (const worker of workers()) expect(drawn.out).toContain(`"taskId":"${worker}"`);
  expect(drawn.out).toContain(`[event] ${killed.title}: the lease of ${killed.worker} expired`);
  console.log(drawn.out);
});

function workers(): string[] {
  return [1, 2, 3].map((n) => `${TOPIC}-worker-${n}`);
}

async function board(): Promise<Card[]> {
  return (await reef.api("GET", `/board/tasks?tag=${TOPIC}`)).tasks;
}

function handedIn({ notes }: Card): Note | undefined {
  return notes.find(({ content }) => content.includes(" = "));
}

/** With SIGKILL, as soon as one is working on a sum: such a worker sleeps for two seconds before it has the result. */
async function killOneThatHoldsACard(): Promise<typeof killed> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const held = (await board()).find(
      ({ status, title }) => status === "in_progress" && !title.includes("x"),
    );
    const { runs } = await reef.api("GET", "/reef/runs");
    const run = runs.find(({ taskId }: { taskId: string }) => taskId === held?.assignee);
    if (held && run?.currentTool?.toolName === "bash") {
      process.kill(run.pid, "SIGKILL");
      return { worker: run.taskId, card: held.id, title: held.title };
    }
    await Bun.sleep(20);
  }
  throw new Error("No worker has held a card for a minute.");
}
