// What failed lately: tasks that ended with an error, services with one, and folders that do not load.
import { now } from "./clock.js";
import { ago, firstLine } from "./format.js";
import { Loading } from "./loading.tsx";
import { nodeLink, viewLink } from "./route.js";
import { problems, services } from "./state.js";
import type { NamedTask } from "./types.js";
import { useLoaded } from "./use-loaded.js";

const SHOWN = 5;

interface Failure {
  kind: "task" | "service";
  name: string;
  link: string;
  reason: string;
  at?: number;
}

export function Failures({ again }: { again: number }) {
  const failed = useLoaded<{ tasks: NamedTask[] }>(
    `/reef/tasks?order=newest&status=error&limit=${SHOWN}`,
    again,
  );
  return (
    <Loading of={failed}>
      {({ tasks }) => {
        const all = [...problems.value.filter(isFailed).map(ofFolder), ...ofServices(), ...tasks.map(ofTask)];
        if (all.length === 0) return <p class="muted">None.</p>;
        return (
          <ul class="cards">
            {all.map((failure) => (
              <Card key={`${failure.kind} ${failure.name} ${failure.link}`} failure={failure} />
            ))}
          </ul>
        );
      }}
    </Loading>
  );
}

function Card({ failure: { kind, name, link, reason, at } }: { failure: Failure }) {
  return (
    <li class="card">
      <div class="card-line">
        <span class="chip status-error">{kind}</span>
        <a class="card-title" href={link}>
          {name}
        </a>
        {at !== undefined && <span class="muted">{ago(at, now.value)}</span>}
      </div>
      <p class="bad clip">{reason}</p>
    </li>
  );
}

const isFailed = ({ state }: { state: string }) => state === "failed";

function ofTask({ trigger, leafId, artifacts, completedAt, createdAt }: NamedTask): Failure {
  const reason = firstLine(artifacts?.error ?? "");
  const at = completedAt ?? createdAt;
  return { kind: "task", name: firstLine(trigger), link: nodeLink(leafId), reason, at };
}

function ofServices(): Failure[] {
  return services.value.flatMap(({ name, lastError }) =>
    lastError
      ? [
          {
            ...({ kind: "service", name, link: viewLink("services") } as const),
            reason: firstLine(lastError.message),
            at: Date.parse(lastError.at),
          },
        ]
      : [],
  );
}

function ofFolder({ dir, error }: { dir: string; error?: string }): Failure {
  return { kind: "service", name: dir, link: viewLink("services"), reason: firstLine(error ?? "") };
}
