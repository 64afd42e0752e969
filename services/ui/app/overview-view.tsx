// The state of the whole at a glance: whether reef is well, what runs and waits, what was spent, and what failed lately.
import "./overview.css";
import { useEffect } from "preact/hooks";
import { Failures } from "./failures.tsx";
import { Loading } from "./loading.tsx";
import { type View, viewLink } from "./route.js";
import { RunningTasks } from "./running-tasks.tsx";
import { SpendChart } from "./spend-chart.tsx";
import { connection, pendingCount, problems, refreshServices, services } from "./state.js";
import { useChanges } from "./use-changes.js";
import { useLoaded } from "./use-loaded.js";

interface State {
  activeTasks: number;
  queuedTasks: number;
  totalTasks: number;
  totalNodes: number;
}

export function OverviewView() {
  const again = useChanges();
  const state = useLoaded<State>("/reef/state", again);
  useEffect(() => {
    void refreshServices();
  }, []);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Overview</h1>
        <Health />
      </div>
      <Loading of={state}>
        {({ activeTasks, queuedTasks, totalTasks, totalNodes }) => (
          <dl class="figures">
            <Figure label="running" value={activeTasks} to="tasks" />
            <Figure label="queued" value={queuedTasks} to="tasks" />
            <Figure label="questions" value={pendingCount.value} to="tasks" />
            <Figure label="tasks" value={totalTasks} to="tasks" />
            <Figure label="nodes" value={totalNodes} to="feed" />
            <Figure label="services" value={services.value.length} to="services" />
          </dl>
        )}
      </Loading>
      <div class="overview-columns">
        <section aria-label="At work">
          <h2>At work</h2>
          <RunningTasks again={again} />
        </section>
        <section aria-label="Recent failures">
          <h2>Recent failures</h2>
          <Failures again={again} />
        </section>
      </div>
      <h2>Spent in the last two weeks</h2>
      <SpendChart again={again} />
    </div>
  );
}

function Health() {
  if (connection.value.state === "lost") return <span class="health bad">The server does not answer</span>;
  const failed = problems.value.filter(({ state }) => state === "failed").length;
  const wrong = services.value.filter(({ lastError }) => lastError).length;
  if (failed + wrong === 0) return <span class="health good">All services are well</span>;
  const parts = [
    ...(failed > 0 ? [`${failed} ${failed === 1 ? "service does" : "services do"} not load`] : []),
    ...(wrong > 0 ? [`${wrong} had ${wrong === 1 ? "an error" : "errors"}`] : []),
  ];
  return (
    <a class="health warn" href={viewLink("services")}>
      {parts.join(", ")}
    </a>
  );
}

function Figure({ label, value, to }: { label: string; value: number; to: View }) {
  return (
    <div class="figure">
      <dt>
        <a href={viewLink(to)}>{label}</a>
      </dt>
      <dd>{value.toLocaleString()}</dd>
    </div>
  );
}
