// What can be done to a live service: read its docs, deploy, reload, roll back, unload.
import { api } from "./api.js";
import { Ask } from "./ask.tsx";
import type { Asked } from "./confirm.tsx";
import { deploy } from "./deploying.tsx";
import { refreshServices, services } from "./state.js";
import type { ServiceStatus } from "./types.js";

/** Without these the dashboard could not bring anything back. */
const NEEDED_HERE: readonly string[] = ["services", "ui"];

export function ServiceActions({ service }: { service: ServiceStatus }) {
  const { name, dir, hasRoutes } = service;
  return (
    <span class="actions">
      {hasRoutes && (
        <a
          class="button quiet small"
          href={`/docs/ui#-${encodeURIComponent(name)}`}
          target="_blank"
          rel="noreferrer"
          aria-label={`Docs of ${name}`}
        >
          Docs
        </a>
      )}
      {dir !== null && !NEEDED_HERE.includes(name) && <Changes name={name} dir={dir} />}
    </span>
  );
}

function Changes({ name, dir }: { name: string; dir: string }) {
  const path = `/services/${encodeURIComponent(name)}`;
  return (
    <>
      <Ask class="quiet small" label={`Deploy ${name}`} work={() => deploy(dir)}>
        Deploy
      </Ask>
      <Ask class="quiet small" label={`Reload ${name}`} work={() => reload(name)}>
        Reload
      </Ask>
      <Ask
        class="quiet small"
        label={`Roll back ${name}`}
        confirm={() => ({ question: `Make the version of ${name} before this one live?`, yes: "Roll back" })}
        work={() => api("POST", `${path}/rollback`).then(refreshServices)}
      >
        Roll back
      </Ask>
      <Ask
        class="quiet small danger"
        label={`Unload ${name}`}
        confirm={() => unloadQuestion(name)}
        work={() => api("DELETE", `${path}?force=true`).then(refreshServices)}
      >
        Unload
      </Ask>
    </>
  );
}

/** A live one is replaced, a folder that is not live is loaded. */
export function reload(name: string): Promise<void> {
  return api("POST", `/services/reload/${encodeURIComponent(name)}`).then(refreshServices);
}

/** Those that depend on it are named, since the unload is then done over their heads. */
function unloadQuestion(name: string): Asked {
  const dependents = services.value.filter(({ dependencies }) => dependencies.includes(name));
  return {
    question: `Unload ${name}?`,
    details: [
      "It stays out until it is loaded again.",
      ...dependents.map((one) => `${one.name} depends on it, and goes out until it is back.`),
    ],
    yes: "Unload it",
  };
}
