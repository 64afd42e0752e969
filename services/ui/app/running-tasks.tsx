// What is at work now: tasks that run, wait for an answer, or stand in the queue.
import { now } from "./clock.js";
import { duration, firstLine, spend } from "./format.js";
import { Loading } from "./loading.tsx";
import { nodeLink } from "./route.js";
import { Status } from "./status.tsx";
import type { NamedTask } from "./types.js";
import { useLoaded } from "./use-loaded.js";

const SHOWN = 10;

export function RunningTasks({ again }: { again: number }) {
  const path = `/reef/tasks?order=newest&status=running,waiting,queued&limit=${SHOWN}`;
  const open = useLoaded<{ tasks: NamedTask[]; nextCursor?: string }>(path, again);
  return (
    <Loading of={open}>
      {({ tasks, nextCursor }) => (
        <>
          {tasks.length === 0 && <p class="muted">Nothing runs, and nobody waits.</p>}
          <ul class="cards">
            {tasks.map((task) => (
              <Task key={task.name} task={task} />
            ))}
          </ul>
          {nextCursor && <p class="muted">The newest {tasks.length} of them.</p>}
        </>
      )}
    </Loading>
  );
}

function Task({ task }: { task: NamedTask }) {
  const { status, trigger, leafId, startedAt, createdAt, queuePosition, usage } = task;
  return (
    <li class="card card-line">
      <Status status={status} />
      <a class="card-title" href={nodeLink(leafId)}>
        {firstLine(trigger)}
      </a>
      {queuePosition !== undefined && <span class="muted">{queuePosition} in the queue</span>}
      {usage.totalTokens > 0 && <span class="muted">{spend(usage)}</span>}
      <span class="muted">{duration(now.value - (startedAt ?? createdAt))}</span>
    </li>
  );
}
