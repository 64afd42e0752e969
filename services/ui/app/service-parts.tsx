// What a live service consists of: its routes, its tools, and what it holds while it runs.
import type { ManifestService, ServiceStatus } from "./types.js";

interface ServicePartsProps {
  service: ServiceStatus;
  parts: ManifestService | undefined;
}

export function ServiceParts({ service, parts }: ServicePartsProps) {
  const { hash, dir, dependencies, holds, loadMs } = service;
  return (
    <dl class="parts">
      <Part name="folder">{dir ?? "none: it is built in"}</Part>
      {hash && (
        <Part name="version">
          <code>{hash}</code>, loaded in {Math.round(loadMs)} ms
        </Part>
      )}
      {dependencies.length > 0 && <Part name="needs">{dependencies.join(", ")}</Part>}
      {parts?.provides && <Part name="provides">{parts.provides.join(", ")}</Part>}
      {parts?.routes && (
        <Part name="routes">
          <ul class="plain">
            {Object.entries(parts.routes).map(([route, { description }]) => (
              <li key={route}>
                <code class="bright">{route}</code> <span class="muted">{description}</span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {parts?.tools && (
        <Part name="tools">
          <ul class="plain">
            {parts.tools.map((tool) => (
              <li key={tool}>
                <code class="bright">{tool}</code>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {holds.length > 0 && (
        <Part name="holds">
          <ul class="plain">
            {holds.map(({ kind, label, count }) => (
              <li key={`${kind} ${label}`}>
                {kind} <span class="muted">{label}</span>
                {count > 1 && ` × ${count}`}
              </li>
            ))}
          </ul>
        </Part>
      )}
    </dl>
  );
}

function Part({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
