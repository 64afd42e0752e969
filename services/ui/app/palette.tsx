// The command palette and the help, and what the keys reach on the page.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask } from "./api.js";
import { conversationOf, isOpen } from "./branch.js";
import { type Command, matching } from "./commands.js";
import { confirmed } from "./confirm.tsx";
import { Dialog } from "./dialog.tsx";
import { firstLine } from "./format.js";
import { KEYS, listenToKeys, shownDialog } from "./keys.js";
import { beginTask } from "./reply-box.js";
import { go, nodeLink, route, type View, viewLink } from "./route.js";
import { branch, knowTasks, panels, tasks } from "./state.js";
import { cancelQuestion, cancelTask } from "./task-controls.tsx";
import { nextTheme } from "./theme.js";
import type { NamedTask } from "./types.js";

const SHOWN_MAX = 12;
const TASKS_ASKED = 200;
const VIEWS: readonly View[] = ["feed", "tasks", "services", "overview", "search"];

export function Palette() {
  useEffect(() => listenToKeys(() => void cancelRun()), []);
  if (shownDialog.value === "palette") return <Commands />;
  return shownDialog.value === "help" ? <Help /> : null;
}

function Help() {
  return (
    <Dialog label="Keys" close={hide}>
      <h2>Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-line">
        <button type="button" autofocus onClick={hide}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Commands() {
  const text = useSignal("");
  const at = useSignal(0);
  useEffect(() => void knowNewestTasks(), []);
  const found = matching(commands(), text.value).slice(0, SHOWN_MAX);
  const run = (command: Command | undefined) => {
    hide();
    command?.run();
  };
  function pressed(event: KeyboardEvent): void {
    if (event.key === "ArrowDown") at.value = Math.min(at.value + 1, found.length - 1);
    else if (event.key === "ArrowUp") at.value = Math.max(at.value - 1, 0);
    else if (event.key === "Enter") run(found[at.value]);
    else return;
    event.preventDefault();
  }
  return (
    <Dialog label="Commands" close={hide}>
      <input
        class="wide"
        placeholder="A task, a panel, or what you want to do"
        aria-label="Command"
        autofocus
        role="combobox"
        aria-expanded={true}
        aria-controls="commands"
        aria-activedescendant={found.length > 0 ? `command-${at.value}` : undefined}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={pressed}
      />
      <div class="commands" id="commands" role="listbox" aria-label="Commands">
        {found.map((command, index) => (
          <button
            key={`${command.kind} ${command.id ?? command.name}`}
            id={`command-${index}`}
            type="button"
            role="option"
            tabIndex={-1}
            aria-selected={index === at.value}
            onClick={() => run(command)}
          >
            <span class="muted command-kind">{command.kind}</span>
            <span class="clip">{command.name}</span>
          </button>
        ))}
      </div>
      {found.length === 0 && <p class="muted">Nothing is called so.</p>}
    </Dialog>
  );
}

function commands(): Command[] {
  const newest = [...tasks.value.values()].sort((a, b) => b.createdAt - a.createdAt);
  return [
    { kind: "do", name: "New task", run: beginTask },
    ...VIEWS.map((view): Command => ({ kind: "go to", name: view, run: () => go(viewLink(view)) })),
    ...panels.value.map(
      ({ name }): Command => ({ kind: "panel", name, run: () => go(viewLink("panel", name)) }),
    ),
    ...newest.map(
      ({ name, leafId, trigger }): Command => ({
        kind: "task",
        id: name,
        name: `${name}: ${firstLine(trigger, 80)}`,
        run: () => go(nodeLink(leafId)),
      }),
    ),
    { kind: "do", name: "Change the theme", run: nextTheme },
    { kind: "do", name: "Show the keys", run: () => (shownDialog.value = "help") },
    { kind: "do", name: "Sign out", run: () => void signOut() },
  ];
}

/** The page knows those that are in its window of the tree; without a server it goes on with them. */
async function knowNewestTasks(): Promise<void> {
  const found = api<{ tasks: NamedTask[] }>("GET", `/reef/tasks?order=newest&limit=${TASKS_ASKED}`);
  knowTasks((await found.catch(() => ({ tasks: [] }))).tasks);
}

async function signOut(): Promise<void> {
  await ask("/ui/logout", { method: "POST" });
  location.assign("/ui/login");
}

function hide(): void {
  shownDialog.value = undefined;
}

/** Of the conversation that is shown. */
async function cancelRun(): Promise<void> {
  const last = conversationOf(branch.nodes.value).turns.at(-1);
  const name = last?.user.taskId;
  if (route.value.nodeId === undefined || !last || name === undefined || !isOpen(last)) return;
  if (await confirmed(cancelQuestion(name))) await cancelTask(name);
}
