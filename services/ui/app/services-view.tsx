// What is live, which version of it, what is wrong with the rest, and the ways to change it.
import "./services.css";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "./api.js";
import { Ask } from "./ask.tsx";
import { deploySteps } from "./deploy-steps.js";
import { DeployForm, deploy, NewDeploys, Steps } from "./deploying.tsx";
import { Deploys } from "./deploys.tsx";
import { reload } from "./service-actions.tsx";
import { ServiceCard } from "./service-card.tsx";
import { problems, refreshServices, services } from "./state.js";
import type { ManifestService, ServiceProblem } from "./types.js";
import { useLoaded } from "./use-loaded.js";

/** What is out on purpose has no error to tell. */
const DISABLED = "It was unloaded, and stays out until it is loaded by name.";

export function ServicesView() {
  const isAsked = useSignal(false);
  useEffect(() => {
    void refreshServices().then(() => {
      isAsked.value = true;
    });
  }, [isAsked]);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Services</h1>
        <span class="muted wide-only">{services.value.length > 0 && `${services.value.length} live`}</span>
        <span class="grow" />
        <Ask
          title="Loads new folders, replaces those that changed, unloads those that are gone. Without tests"
          work={() => api("POST", "/services/reload").then(refreshServices)}
        >
          Reload changed
        </Ask>
        <a class="button" href="/docs/ui" target="_blank" rel="noreferrer">
          API docs
        </a>
      </div>
      <DeployForm />
      <NewDeploys without={problems.value.map(({ dir }) => dir)} />
      {problems.value.map((problem) => (
        <Problem key={problem.dir} problem={problem} />
      ))}
      {services.value.length === 0 && <p class="empty">{isAsked.value ? "No services." : "Loading…"}</p>}
      <Live />
      <Deploys />
    </div>
  );
}

function Live() {
  const manifest = useLoaded<{ services: ManifestService[] }>("/services/manifest", services.value);
  const parts = new Map(manifest.data?.services.map((one) => [one.name, one]));
  return (
    <ul class="cards" aria-label="Live services">
      {services.value.map((service) => (
        <ServiceCard key={service.name} service={service} parts={parts.get(service.name)} />
      ))}
    </ul>
  );
}

function Problem({ problem }: { problem: ServiceProblem }) {
  const { dir, name = dir, state, error } = problem;
  return (
    <section class="card problem" aria-label={`Problem of ${name}`}>
      <div class="card-line">
        <span class={state === "failed" ? "chip status-error" : "chip warn"}>{state}</span>
        <strong class="card-title">{name}</strong>
        <Ask class="small" label={`Deploy ${name}`} work={() => deploy(dir)}>
          Deploy
        </Ask>
        <Ask class="small" label={`Load ${name}`} work={() => reload(name)}>
          Load
        </Ask>
      </div>
      <p class={state === "failed" ? "bad" : "muted"}>{error ?? DISABLED}</p>
      <Steps steps={deploySteps.value.get(dir) ?? deploySteps.value.get(name) ?? []} />
    </section>
  );
}
