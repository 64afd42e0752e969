// Narrows the feed: by text, kind, task, source, time, failures.
import { useComputed, useSignal } from "@preact/signals";
import { filter } from "./feed-state.js";
import { type Filter, isEmpty, NO_FILTER } from "./filter.js";
import { KINDS, type Kind } from "./kinds.js";
import { beginTask } from "./reply-box.js";
import { tasks, tree } from "./state.js";

const HOUR = 3_600_000;
const SPANS: readonly (readonly [label: string, ms: number])[] = [
  ["any time", 0],
  ["last hour", HOUR],
  ["last day", 24 * HOUR],
  ["last week", 7 * 24 * HOUR],
];
const CHOICES_MAX = 100;

export function FilterBar() {
  const isOpen = useSignal(false);
  const { text, ...more } = filter.value;
  return (
    <div class="filter">
      <div class="filter-line">
        <input
          type="search"
          placeholder="Filter the feed"
          aria-label="Filter the feed by text"
          value={text ?? ""}
          onInput={(event) => change({ text: event.currentTarget.value || undefined })}
        />
        <button
          type="button"
          aria-expanded={isOpen.value}
          class={isEmpty(more) ? undefined : "on"}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          Filters
        </button>
        <button
          type="button"
          aria-pressed={tree.follows.value}
          title="Keep the newest in sight"
          onClick={() => void tree.followEnd()}
        >
          Follow
        </button>
        <button type="button" title="A new task (press n)" onClick={beginTask}>
          New
        </button>
      </div>
      {isOpen.value && <FilterMore />}
    </div>
  );
}

function FilterMore() {
  const span = useSignal(0);
  const { kinds, taskId, source, errorsOnly } = filter.value;
  const sources = useComputed(() => {
    tree.version.value;
    const found = new Set([...tree.forest.entries()].flatMap(({ node }) => node?.source ?? []));
    return [...found].sort().slice(0, CHOICES_MAX);
  });
  const names = [...tasks.value.keys()].slice(-CHOICES_MAX).reverse();
  return (
    <fieldset class="filter-more">
      <legend class="aside">Show only</legend>
      {KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          class="chip-button"
          aria-pressed={kinds.has(kind)}
          onClick={() => toggle(kind)}
        >
          {kind}
        </button>
      ))}
      <button
        type="button"
        class="chip-button"
        aria-pressed={errorsOnly === true}
        onClick={() => change({ errorsOnly: !errorsOnly })}
      >
        failures only
      </button>
      <Choice
        label="Task"
        none="every task"
        value={taskId}
        choices={names}
        choose={(one) => change({ taskId: one })}
      />
      <Choice
        label="Source"
        none="every source"
        value={source}
        choices={sources.value}
        choose={(one) => change({ source: one })}
      />
      <select
        aria-label="Time"
        value={String(span.value)}
        onChange={(event) => {
          span.value = Number(event.currentTarget.value);
          change({ from: span.value === 0 ? undefined : Date.now() - span.value });
        }}
      >
        {SPANS.map(([label, ms]) => (
          <option key={ms} value={ms}>
            {label}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          span.value = 0;
          filter.value = NO_FILTER;
        }}
      >
        Clear
      </button>
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  none: string;
  value: string | undefined;
  choices: readonly string[];
  choose: (one: string | undefined) => void;
}

function Choice({ label, none, value, choices, choose }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => choose(event.currentTarget.value || undefined)}
    >
      <option value="">{none}</option>
      {choices.map((one) => (
        <option key={one}>{one}</option>
      ))}
    </select>
  );
}

function toggle(kind: Kind): void {
  const kinds = new Set(filter.value.kinds);
  if (!kinds.delete(kind)) kinds.add(kind);
  change({ kinds });
}

function change(changes: Partial<Filter>): void {
  filter.value = { ...filter.value, ...changes };
}
