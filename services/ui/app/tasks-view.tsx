// All tasks in a table: how each stands, what began it, how long it took and what it cost.
import "./tasks.css";
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, messageOf } from "./api.js";
import { Ask } from "./ask.tsx";
import { now } from "./clock.js";
import { ago, count, duration, exact, firstLine, money } from "./format.js";
import { go, nodeLink, route } from "./route.js";
import { gathered } from "./soon.js";
import { knowTasks, pending, tasks, tree } from "./state.js";
import { Status } from "./status.tsx";
import { cancelQuestion, cancelTask } from "./task-controls.tsx";
import type { NamedTask, TaskStatus } from "./types.js";

const STATUSES: readonly TaskStatus[] = ["running", "waiting", "queued", "done", "error", "cancelled"];
const SORTS = {
  newest: (a: NamedTask, b: NamedTask) => b.createdAt - a.createdAt,
  cost: (a: NamedTask, b: NamedTask) =>
    b.usage.cost - a.usage.cost || b.usage.totalTokens - a.usage.totalTokens,
  duration: (a: NamedTask, b: NamedTask) => tookMs(b) - tookMs(a),
  turns: (a: NamedTask, b: NamedTask) => b.turns - a.turns,
};
type Sort = keyof typeof SORTS;

const PAGE = 100;
const PAGES_MAX = 10;
const REFRESH_MS = 1_000;

export function TasksView() {
  const text = useSignal("");
  const sort = useSignal<Sort>("newest");
  const status = statusIn(route.value.query);
  const { names, hasMore, error, more } = useTasks(status);
  const shown = useComputed(() =>
    names.value
      .flatMap((name) => tasks.value.get(name) ?? [])
      .filter((task) => status === undefined || task.status === status)
      .filter((task) => `${task.name} ${task.trigger}`.toLowerCase().includes(text.value.toLowerCase()))
      .sort(SORTS[sort.value]),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1>Tasks</h1>
        <input
          type="search"
          class="wide"
          aria-label="Filter the tasks"
          placeholder="Filter"
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <select
          aria-label="Status"
          value={status ?? ""}
          onChange={({ currentTarget: { value } }) =>
            go(value === "" ? "#/tasks" : `#/tasks?status=${value}`)
          }
        >
          <option value="">every status</option>
          {STATUSES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <select
          aria-label="Order"
          value={sort.value}
          onChange={({ currentTarget: { value } }) => {
            sort.value = (Object.keys(SORTS) as Sort[]).find((one) => one === value) ?? "newest";
          }}
        >
          {Object.keys(SORTS).map((one) => (
            <option key={one} value={one}>
              by {one}
            </option>
          ))}
        </select>
      </div>
      <Waiting />
      {error.value !== undefined && (
        <p class="bad" role="alert">
          The tasks could not be read: {error.value}.
        </p>
      )}
      {shown.value.length > 0 && <Table tasks={shown.value} />}
      {shown.value.length === 0 && (
        <p class="empty">{names.value.length === 0 ? "No tasks yet." : "No task fits."}</p>
      )}
      {hasMore.value && (
        <button type="button" onClick={more}>
          Show more
        </button>
      )}
    </div>
  );
}

function statusIn(query: URLSearchParams): TaskStatus | undefined {
  return STATUSES.find((one) => one === query.get("status"));
}

/** The newest tasks of a status, as many as were asked for; read again while things happen. */
function useTasks(status: TaskStatus | undefined) {
  const names = useSignal<readonly string[]>([]);
  const hasMore = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  const pages = useSignal(1);
  const refresh = useComputed(() => {
    const filter = status === undefined ? "" : `&status=${status}`;
    const limit = pages.value * PAGE;
    return gathered(async () => {
      try {
        const found = await api<TaskPage>("GET", `/reef/tasks?order=newest&limit=${limit}${filter}`);
        knowTasks(found.tasks);
        names.value = found.tasks.map(({ name }) => name);
        hasMore.value = found.nextCursor !== undefined && pages.value < PAGES_MAX;
        error.value = undefined;
      } catch (reason) {
        error.value = messageOf(reason);
      }
    }, REFRESH_MS);
  });
  const version = tree.version.value;
  useEffect(() => {
    void refresh.value();
  }, [version, status, pages.value, refresh]);
  const more = () => {
    pages.value++;
  };
  return { names, hasMore, error, more };
}

interface TaskPage {
  tasks: NamedTask[];
  nextCursor?: string;
}

function Waiting() {
  if (pending.value.length === 0) return null;
  return (
    <section aria-label="Questions" class="cards">
      {pending.value.map((node) => (
        <p key={node.id} class="card card-line">
          <span class="chip question">question</span>
          <a class="card-title" href={nodeLink(node.id)}>
            {firstLine(node.content)}
          </a>
          <span class="muted">{node.taskId}</span>
        </p>
      ))}
    </section>
  );
}

function Table({ tasks: shown }: { tasks: readonly NamedTask[] }) {
  return (
    <table class="tasks">
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Task</th>
          <th scope="col">Started</th>
          <th scope="col" class="number">
            Took
          </th>
          <th scope="col" class="number">
            Turns
          </th>
          <th scope="col" class="number">
            Tokens
          </th>
          <th scope="col" class="number">
            Cost
          </th>
          <th scope="col">
            <span class="aside">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map((task) => (
          <TaskRow key={task.name} task={task} />
        ))}
      </tbody>
    </table>
  );
}

function TaskRow({ task }: { task: NamedTask }) {
  const { name, status, trigger, leafId, createdAt, startedAt, turns, usage } = task;
  return (
    <tr>
      <td>
        <Status status={status} />
        {task.queuePosition !== undefined && <span class="muted"> #{task.queuePosition}</span>}
      </td>
      <td class="task-cell">
        <a class="card-title" href={nodeLink(leafId)}>
          {firstLine(trigger)}
        </a>
        <Outcome task={task} />
      </td>
      <td data-label="started">
        <time title={exact(startedAt ?? createdAt)}>{ago(startedAt ?? createdAt, now.value)}</time>
      </td>
      <td class="number" data-label="took">
        {startedAt === undefined ? "–" : duration(tookMs(task, now.value))}
      </td>
      <td class="number" data-label="turns">
        {turns}
      </td>
      <td class="number" data-label="tokens">
        {usage.totalTokens === 0 ? "–" : count(usage.totalTokens)}
      </td>
      <td class="number" data-label="cost">
        {money(usage.cost) ?? "–"}
      </td>
      <td class="action">
        {isRunning(task) && (
          <Ask
            class="danger small"
            label={`Cancel ${name}`}
            confirm={() => cancelQuestion(name)}
            work={() => cancelTask(name)}
          >
            Cancel
          </Ask>
        )}
      </td>
    </tr>
  );
}

/** Who began it where that was no person at this server, its name, and how it ended. */
function Outcome({ task: { name, artifacts, submittedBy } }: { task: NamedTask }) {
  const told = firstLine(artifacts?.error ?? artifacts?.summary ?? "");
  const isByPerson = ["server", "session"].includes(submittedBy);
  return (
    <p class="muted clip">
      <code>{name}</code> {!isByPerson && <span class="chip">by {submittedBy}</span>}{" "}
      {told && <span class={artifacts?.error ? "bad" : ""}>{told}</span>}
    </p>
  );
}

function isRunning({ status }: NamedTask): boolean {
  return ["queued", "running", "waiting"].includes(status);
}

function tookMs({ startedAt, completedAt }: NamedTask, at = Date.now()): number {
  return startedAt === undefined ? 0 : (completedAt ?? at) - startedAt;
}
