// The newest deploys, whoever began them, with what each step said.
import { now } from "./clock.js";
import type { Step } from "./deploy-steps.js";
import { Steps } from "./deploying.tsx";
import { ago, exact, firstLine } from "./format.js";
import { Loading } from "./loading.tsx";
import { nodeLink } from "./route.js";
import { services } from "./state.js";
import { useLoaded } from "./use-loaded.js";

const SHOWN = 20;

interface Deploy {
  id: string;
  name: string;
  deployed: boolean;
  at: string;
  by?: string;
  nodeId?: string;
  steps: Step[];
  rolledBackAt?: string;
}

export function Deploys() {
  const loaded = useLoaded<{ deploys: Deploy[] }>(`/services/deploys?limit=${SHOWN}`, services.value);
  return (
    <section aria-label="Deploys">
      <h2>Deploys</h2>
      <Loading of={loaded}>
        {({ deploys }) =>
          deploys.length === 0 ? (
            <p class="muted">Nothing was deployed yet.</p>
          ) : (
            <ul class="cards">
              {deploys.map((one) => (
                <DeployCard key={one.id} deploy={one} />
              ))}
            </ul>
          )
        }
      </Loading>
    </section>
  );
}

function DeployCard({ deploy: { deployed, name, rolledBackAt, steps, by, nodeId, at } }: { deploy: Deploy }) {
  const last = steps.at(-1);
  return (
    <li class="card">
      <details class="deploy">
        <summary class="card-line">
          <span class={deployed ? "chip good" : "chip status-error"}>{deployed ? "deployed" : "failed"}</span>
          <strong class="bright">{name}</strong>
          {rolledBackAt && <span class="chip warn">rolled back</span>}
          <span class="muted clip grow">{firstLine(last?.detail ?? last?.status ?? "")}</span>
          {by && <span class="muted">by {by}</span>}
          <time class="muted" title={exact(Date.parse(at))}>
            {ago(Date.parse(at), now.value)}
          </time>
        </summary>
        <Steps steps={steps} />
        {nodeId && <a href={nodeLink(nodeId)}>Show it in the feed</a>}
      </details>
    </li>
  );
}
