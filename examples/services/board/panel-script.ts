// What the board's panel does in the browser. Static text: what is stored reaches the page through `el`, as text.

/** Runs with what `PANEL_KIT` of the kernel offers. Cards are kept while their task stays, so that what is typed stays too. */
export const PANEL_SCRIPT = `
const SHOWN_MAX = 50;
const AUTHOR = "dashboard";
const columns = [...root.querySelectorAll("[data-column]")];
const filters = ["assignee", "tag"].map((name) => root.querySelector("[name=" + name + "]"));
const cards = new Map();
const titles = new Map();

const path = (id, action) => "/tasks/" + encodeURIComponent(id) + action;
const post = (id, action, body) =>
  json(path(id, action), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const timeLeft = (until) => {
  const seconds = Math.max(0, Math.round((new Date(until).getTime() - Date.now()) / 1000));
  return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
};
const tick = () => {
  for (const left of root.querySelectorAll("[data-until]")) {
    left.textContent = timeLeft(left.dataset.until);
    left.classList.toggle("late", left.textContent === "0:00");
  }
};

const list = (title, items) =>
  items.length === 0 ? null : el("details", null, el("summary", null, title), el("ul", null, items.map((item) => el("li", null, item))));
const noteLine = ({ author, type, content, createdAt }) =>
  [el("span", { class: type === "blocker" ? "bad" : "muted" }, type + " · " + author + " · " + ago(createdAt)), el("div", null, content)];
const artifactLine = ({ type, label, url }) => [el("span", { class: "muted" }, type + " · " + label), el("div", null, url)];
const facts = (task) => [
  el("div", { class: "bright" }, task.title),
  el("div", { class: "muted" },
    [task.assignee ?? "nobody", task.score > 0 ? "score " + task.score : null, ago(task.updatedAt)].filter(Boolean).join(" · ")),
  task.lease ? el("div", null, "Held by " + task.lease.agent + " for ", el("span", { "data-until": task.lease.expiresAt }, timeLeft(task.lease.expiresAt))) : null,
  task.tags.length ? el("div", null, task.tags.map((tag) => [el("button", { type: "button", class: "chip", onclick: () => choose("tag", tag) }, "#" + tag), " "])) : null,
  task.blockedBy.length ? el("div", { class: "late" }, "Waits for " + task.blockedBy.map((id) => titles.get(id) ?? id).join(", ")) : null,
  task.description === undefined ? null : el("details", null, el("summary", null, "Description"), el("pre", null, task.description)),
  list("Notes (" + task.noteCount + ")", task.notes.map(noteLine)),
  list("Artifacts (" + task.artifactCount + ")", task.artifacts.map(artifactLine)),
].filter(Boolean);

const actions = (id) => {
  const text = el("input", { name: "text", "aria-label": "Note, comment or reason", placeholder: "Note, comment or reason", autocomplete: "off" });
  const type = root.querySelector("template").content.firstElementChild.cloneNode(true);
  const problem = el("span", { class: "bad", role: "status" });
  const act = (work) => async () => {
    problem.textContent = "";
    try {
      await work(text.value.trim());
      text.value = "";
      board.refresh();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const button = (label, work) => el("button", { type: "button", onclick: act(work) }, label);
  const needed = (what, words) => { if (!words) throw new Error(what + " is required"); return words; };
  const note = (words) => post(id, "/notes", { author: AUTHOR, type: type.value, content: needed("a note", words) });
  const approve = (comment) => post(id, "/approve", { approvedBy: AUTHOR, comment });
  const reject = (words) => post(id, "/reject", { rejectedBy: AUTHOR, reason: needed("a reason", words) });
  return el("details", null, el("summary", null, "Act"), el("form", { onsubmit: (event) => event.preventDefault() },
    text, type, button("Note", note), button("Bump", () => post(id, "/bump", {})), button("Approve", approve), button("Reject", reject), problem));
};

const cardOf = (task) => {
  let card = cards.get(task.id);
  if (!card) {
    const body = el("div", null);
    card = { body, node: el("article", { class: "card", "data-task": task.id }, body, actions(task.id)), shown: "" };
    cards.set(task.id, card);
  }
  const shown = JSON.stringify(task);
  if (card.shown !== shown) {
    const open = new Set([...card.body.querySelectorAll("details[open] > summary")].map((one) => one.textContent.split(" ")[0]));
    card.body.replaceChildren(...facts(task));
    for (const one of card.body.querySelectorAll("details")) one.open = open.has(one.firstElementChild.textContent.split(" ")[0]);
    card.shown = shown;
  }
  return card.node;
};
/** Moves only what is not where it belongs, for a node that is moved loses its focus. */
const arrange = (parent, nodes) => {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => { if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null); });
};

const query = () => {
  const given = new URLSearchParams({ limit: SHOWN_MAX, total: "true" });
  for (const input of filters) if (input.value.trim()) given.set(input.name, input.value.trim());
  return given;
};
const load = () => {
  const given = query();
  return Promise.all(columns.map(({ dataset }) => json("/tasks?status=" + dataset.column + "&" + given)));
};
const render = (pages) => {
  const tasks = pages.flatMap((page) => page.tasks);
  for (const { id, title } of tasks) titles.set(id, title);
  columns.forEach((column, at) => {
    const { tasks, total } = pages[at];
    column.querySelector("[data-count]").textContent = total;
    arrange(column.querySelector("[data-cards]"), tasks.map(cardOf));
    const more = column.querySelector("[data-more]");
    more.hidden = total <= tasks.length;
    more.textContent = total - tasks.length + " more";
  });
  const known = new Set(tasks.map(({ id }) => id));
  for (const id of cards.keys()) if (!known.has(id)) { cards.delete(id); titles.delete(id); }
  return tasks.length === 0 ? null : [];
};
const choose = (name, value) => {
  const input = filters.find((one) => one.name === name);
  input.value = input.value === value ? "" : value;
  board.refresh();
};

const board = watch({ into: root.querySelector("[data-state]"), load, render, empty: "No tasks." });
for (const input of filters) input.addEventListener("change", () => board.refresh());
setInterval(tick, 1000);
`;
