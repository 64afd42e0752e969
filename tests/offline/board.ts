// A board in memory behind the tools that agents share it with, so that one agent can be played alone: what others would
// do happens when the board is looked at.
import { type Tools, tools } from "./agent.js";

interface Card {
  id: string;
  title: string;
  status: string;
  notes: { content: string }[];
}

/** For the one who runs a swarm: its workers do one thing before each look. */
export function boardWithWorkers(): Tools {
  const cards: Card[] = [];
  return {
    ...toolsOver(cards),
    board_create_task: ({ title }) => json(put(cards, String(title))),
    board_list_tasks: () => {
      const open = cards.find(({ status }) => status === "open");
      if (open) work(open);
      return json(cards);
    },
    reports_create: () => json({ id: "r1" }),
    reports_share: () => json({ linkId: "l1", url: "http://reef/reports/share/l1" }),
    feed_publish: () => json({ id: "e1" }),
  };
}

/** For a worker: three sums, of which another worker takes the first. */
export function boardWithSums(): Tools {
  const cards: Card[] = [];
  for (const sum of ["2+2", "x+1", "6*7"]) put(cards, `Work out ${sum}`);
  return {
    ...toolsOver(cards),
    board_list_tasks: () => json(cards),
    board_claim({ taskId }) {
      const card = found(cards, taskId);
      const [first] = cards;
      const isTaken = card === first && card.status === "open";
      card.status = isTaken ? "done" : "in_progress";
      return isTaken ? { text: "Error: task is claimed", isError: true } : json({ token: 1 });
    },
    board_submit_for_review({ taskId }) {
      const card = found(cards, taskId);
      card.status = "in_review";
      return json(card);
    },
  };
}

function toolsOver(cards: readonly Card[]): Tools {
  return {
    ...tools,
    board_add_note: () => json({ id: "n1" }),
    board_update_task({ id, title, status }) {
      const card = found(cards, id);
      card.title = String(title ?? card.title);
      // Somebody who knows what x is comes by.
      card.status = status === "blocked" ? "done" : String(status);
      return json(card);
    },
    bash(input) {
      const approved = cards.find(({ id }) => String(input.command).includes(`/tasks/${id}/approve`));
      if (approved) approved.status = "done";
      const [, quick = ""] = /^(?:sleep \d+;? ?)?(.*)$/s.exec(String(input.command)) ?? [];
      return approved ? json(approved) : (tools.bash?.({ command: quick }) ?? { text: "" });
    },
  };
}

function work(card: Card): void {
  const isKnown = !card.title.includes("x");
  card.status = isKnown ? "in_review" : "blocked";
  if (isKnown) card.notes.push({ content: `${card.title.slice("Work out ".length)} = worked out` });
}

function put(cards: Card[], title: string): Card {
  const card = { id: `card-${cards.length + 1}`, title, status: "open", notes: [] };
  cards.push(card);
  return card;
}

function found(cards: readonly Card[], id: unknown): Card {
  const card = cards.find((one) => one.id === id);
  if (!card) throw new Error(`There is no card ${id}.`);
  return card;
}

function json(value: unknown): { text: string } {
  return { text: JSON.stringify(value, null, 2) };
}
