// One live service: which version of it, what it brings, what went wrong in it, and what can be done to it.
import { useSignal } from "@preact/signals";
import { now } from "./clock.js";
import { deploySteps } from "./deploy-steps.js";
import { Steps } from "./deploying.tsx";
import { ago, exact, firstLine } from "./format.js";
import { ServiceActions } from "./service-actions.tsx";
import { ServiceParts } from "./service-parts.tsx";
import type { ManifestService, ServiceStatus } from "./types.js";

interface ServiceCardProps {
  service: ServiceStatus;
  /** What it brings; undefined until that is known. */
  parts: ManifestService | undefined;
}

export function ServiceCard({ service, parts }: ServiceCardProps) {
  const { name, dir, description, lastError } = service;
  const steps = deploySteps.value.get(name) ?? deploySteps.value.get(dir ?? name) ?? [];
  return (
    <li class="card service">
      <div class="service-head">
        <strong class="service-name">{name}</strong>
        <Chips service={service} />
        <span class="service-says muted">{description}</span>
      </div>
      <ServiceActions service={service} />
      {lastError && (
        <p class="bad">
          {ago(Date.parse(lastError.at), now.value)}: {firstLine(lastError.message)}
        </p>
      )}
      <Facts service={service} parts={parts} />
      <Steps steps={steps} />
    </li>
  );
}

function Chips({ service: { isolation, pinned, probationUntil } }: Pick<ServiceCardProps, "service">) {
  return (
    <>
      {isolation === "process" && <span class="chip">own process</span>}
      {pinned && <span class="chip warn">rolled back</span>}
      {probationUntil && Date.parse(probationUntil) > now.value && (
        <span class="chip warn">on probation</span>
      )}
    </>
  );
}

function Facts({ service, parts }: ServiceCardProps) {
  const isOpen = useSignal(false);
  const { hash, loadedAt } = service;
  return (
    <details class="facts" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary class="muted">
        {hash && <code title={hash}>{hash.replace(/^sha256:/, "").slice(0, 8)}</code>}
        {summaryOf(service, parts).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
        <time title={exact(Date.parse(loadedAt))}>{ago(Date.parse(loadedAt), now.value)}</time>
      </summary>
      {isOpen.value && <ServiceParts service={service} parts={parts} />}
    </details>
  );
}

function summaryOf({ hasBehaviors, hasWidget, hasRoutes, hasTools }: ServiceStatus, parts?: ManifestService) {
  const routes = Object.keys(parts?.routes ?? {}).length;
  const tools = parts?.tools?.length ?? 0;
  return [
    ...(hasRoutes || routes > 0 ? [counted(routes, "route")] : []),
    ...(hasTools || tools > 0 ? [counted(tools, "tool")] : []),
    ...(hasBehaviors ? ["behaviors"] : []),
    ...(hasWidget ? ["widget"] : []),
    ...(parts?.features.includes("panel") ? ["panel"] : []),
  ];
}

/** Without a number as long as none is known. */
function counted(count: number, what: string): string {
  if (count === 0) return `${what}s`;
  return `${count} ${count === 1 ? what : `${what}s`}`;
}
