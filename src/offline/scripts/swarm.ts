// Agents that work together: one puts small sums on the board, submits workers and approves what they hand in; the
// workers claim what is open until nothing is left. They meet on the board and nowhere else.
import { type CallResult, type Step, script, use } from "../script.js";
import { list, outcome, paragraphs, signed } from "../words.js";

const WORKERS_MAX = 5;
/** How often one looks at the board before it gives up; between two looks it sleeps a second if there was nothing to do. */
const LOOKS_MAX = 200;
/** The shortest that the board gives: what a dead worker held is soon open again. */
const LEASE_SECONDS = 10;
/** `x` is known to the one who runs the swarm. */
const SUMS = ["6*7", "x+1", "100/4", "9-4", "2+2"];
const X = "41";
const TITLE = /^Work out ([\dx+\-*/]{1,40})$/;

interface Card {
  id: string;
  title: string;
  status: string;
  notes: { content: string }[];
}

type Play<Result> = Generator<Step, Result, readonly CallResult[]>;

export const swarm = script({
  prompts: ["Run a swarm of 3 workers on reef-survey."],
  does: "puts sums on the board, submits that many workers, answers what blocks them, approves what they hand in, and shares a report",
  needs: [
    "board_create_task",
    "board_list_tasks",
    "board_update_task",
    "board_add_note",
    "reef_submit",
    "reports_create",
    "reports_share",
    "feed_publish",
    "bash",
  ],
  when: /^run a swarm of (\d) workers? on ([\w-]{1,40})\.?$/i,
  *play([, workers = "", topic = ""]) {
    const count = Math.min(Math.max(Number(workers), 1), WORKERS_MAX);
    const made = yield {
      text: "I write the work down on the board.",
      calls: SUMS.map((sum) => ({
        name: "board_create_task",
        input: { title: `Work out ${sum}`, tags: [topic] },
      })),
    };
    const unmade = made.find(({ isError }) => isError);
    if (unmade) return signed(outcome("Writing on the board", unmade));
    yield { text: "Now I call the workers.", calls: workersFor(topic, count) };
    const cards = yield* watchUntilDone(topic);
    return signed(yield* report(topic, cards));
  },
});

export const swarmWorker = script({
  audience: "tests",
  prompts: ["Work on the board's tasks tagged reef-survey."],
  does: "claims what is open on the board, works it out with `bash`, and hands it in for review, until nothing is left",
  needs: [
    "board_list_tasks",
    "board_claim",
    "board_add_note",
    "board_update_task",
    "board_submit_for_review",
    "bash",
  ],
  when: /^work on the board's tasks tagged ([\w-]{1,40})\.?$/i,
  *play([, tag = ""]) {
    const handedIn: string[] = [];
    for (let look = 0; look < LOOKS_MAX; look++) {
      const cards = yield* cardsTagged(tag);
      const open = cards.find(({ status }) => status === "open");
      if (!open && !cards.some(({ status }) => status === "in_progress" || status === "blocked")) break;
      if (!open) yield* use("bash", { command: "sleep 1" });
      else handedIn.push(...(yield* workOn(open)));
    }
    return signed(
      handedIn.length > 0 ? `I handed in:\n\n${list(handedIn)}` : "Others were quicker: I handed in nothing.",
    );
  },
});

function workersFor(topic: string, count: number) {
  return Array.from({ length: count }, (_, at) => ({
    name: "reef_submit",
    input: {
      task: `Work on the board's tasks tagged ${topic}.`,
      taskId: `${topic}-worker-${at + 1}`,
      wait: false,
    },
  }));
}

/** Unblocks and approves until all is done, or for too long. */
function* watchUntilDone(topic: string): Play<Card[]> {
  let cards: Card[] = [];
  for (let look = 0; look < LOOKS_MAX; look++) {
    cards = yield* cardsTagged(topic);
    if (cards.length > 0 && cards.every(({ status }) => status === "done")) return cards;
    const blocked = cards.find(({ status }) => status === "blocked");
    const handedIn = cards.find(({ status }) => status === "in_review");
    if (blocked) yield* unblock(blocked);
    else if (handedIn)
      yield* use("bash", { command: approval(handedIn.id, topic) }, `I approve "${handedIn.title}".`);
    else yield* use("bash", { command: "sleep 1" });
  }
  return cards;
}

function* unblock({ id, title }: Card): Play<void> {
  yield* use(
    "board_add_note",
    { taskId: id, type: "update", content: `x is ${X}` },
    `I know what x is: ${X}.`,
  );
  yield* use("board_update_task", { id, title: title.replace("x", X), status: "open", assignee: "" });
}

/** Approving is for whoever reviews: the board has a route for it, and no tool. */
function approval(id: string, by: string): string {
  const body = JSON.stringify({ approvedBy: by });
  return `curl -sSf -X POST "$VERS_INFRA_URL/board/tasks/${id}/approve" -H "Authorization: Bearer $VERS_AUTH_TOKEN" -H 'Content-Type: application/json' -d '${body}'`;
}

function* report(topic: string, cards: readonly Card[]): Play<string> {
  const lines = cards.map(
    ({ status, notes }) => `${notes.find(({ content }) => content.includes(" = "))?.content} (${status})`,
  );
  const title = `What the swarm found: ${topic}`;
  const made = yield* use("reports_create", {
    title,
    content: `# ${title}\n\n${list(lines)}`,
    tags: [topic],
  });
  if (made.isError) return outcome("`reports_create`", made);
  const shared = yield* use("reports_share", { id: field(made, "id"), label: topic });
  yield* use("feed_publish", { type: "finding", summary: `${title}: ${cards.length} sums` });
  return paragraphs(list(lines), outcome("`reports_share`", shared, "answered"));
}

/** What was handed in: nothing when somebody else has the card, or when the sum cannot be worked out. */
function* workOn({ id: taskId, title }: Card): Play<string[]> {
  const claimed = yield* use("board_claim", { taskId, leaseSeconds: LEASE_SECONDS });
  if (claimed.isError) return [];
  const sum = TITLE.exec(title)?.[1];
  if (sum === undefined || sum.includes("x")) {
    const content = sum === undefined ? "This is no sum." : "What is x?";
    yield* use("board_add_note", { taskId, type: "blocker", content });
    yield* use("board_update_task", { id: taskId, status: "blocked" });
    return [];
  }
  const result = yield* use("bash", { command: `sleep 2; echo $((${sum}))` }, `I work out ${sum}.`);
  const summary = `${sum} = ${result.text.trim()}`;
  const handedIn = yield* use("board_submit_for_review", { taskId, summary });
  return handedIn.isError ? [] : [summary];
}

function* cardsTagged(tag: string): Play<Card[]> {
  const { text, isError } = yield* use("board_list_tasks", { tag });
  return isError ? [] : JSON.parse(text.slice(0, text.lastIndexOf("]") + 1));
}

function field({ text }: CallResult, name: string): unknown {
  return JSON.parse(text)[name];
}
