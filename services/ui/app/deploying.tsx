// Putting a folder live from the page: asked for by name or at a service, and shown step by step.
import { useSignal } from "@preact/signals";
import { ApiError, messageOf, send } from "./api.js";
import { deploySteps, hearStep, type Step, stepIn } from "./deploy-steps.js";
import { readFrames } from "./frames.js";
import { Icon, type Sign } from "./icons.tsx";
import { refreshServices, services } from "./state.js";
import type { Frame } from "./types.js";

/** Longer than any step takes; the server ends what takes too long. */
const SILENCE_MS = 10 * 60_000;
const SIGNS: Record<string, Sign> = { passed: "passed", failed: "error", running: "running" };

/** Resolves to whether it is live. Rejects with the server's reason, unless a step that failed has told it already. */
export async function deploy(name: string): Promise<boolean> {
  const response = await send("/services/deploy", {
    method: "POST",
    headers: { accept: "text/event-stream", "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  let result: Frame | undefined;
  let isTold = false;
  await readFrames(response, SILENCE_MS, (frame) => {
    const step = frame.type === "step" ? stepIn(frame) : undefined;
    if (step) hearStep(name, step);
    if (step?.status === "failed") isTold = true;
    if (frame.type === "result") result = frame;
  });
  await refreshServices();
  if (!result) throw new Error("the connection was lost; the deploy goes on without it");
  if (typeof result.error === "string" && !isTold) throw new ApiError(400, result.error);
  return result.deployed === true;
}

/** For a folder that is not live yet. */
export function DeployForm() {
  const name = useSignal("");
  const isBusy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const folder = name.value.trim();
    if (folder === "" || isBusy.value) return;
    isBusy.value = true;
    error.value = undefined;
    await deploy(folder).then(
      (isLive) => {
        if (isLive && name.value.trim() === folder) name.value = "";
      },
      (reason: unknown) => {
        error.value = messageOf(reason);
      },
    );
    isBusy.value = false;
  }
  return (
    <form class="deploy-form" onSubmit={(event) => void submit(event)}>
      <input
        class="wide"
        aria-label="Folder to deploy"
        placeholder="Name of a folder to deploy"
        autocomplete="off"
        spellcheck={false}
        value={name.value}
        onInput={(event) => (name.value = event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={isBusy.value || name.value.trim() === ""}>
        Deploy
      </button>
      {error.value !== undefined && (
        <p class="bad" role="alert">
          {error.value}
        </p>
      )}
    </form>
  );
}

/** What is being deployed and has no card of its own, since it never was live. */
export function NewDeploys({ without }: { without: readonly string[] }) {
  const fresh = [...deploySteps.value].filter(([name]) => !without.includes(name) && !isLive(name));
  return fresh.map(([name, steps]) => (
    <section key={name} class="card new-deploy" aria-label={`Deploy of ${name}`}>
      <strong class="card-title">{name}</strong>
      <Steps steps={steps} />
    </section>
  ));
}

function isLive(name: string): boolean {
  return services.value.some((service) => service.name === name || service.dir === name);
}

export function Steps({ steps }: { steps: readonly Step[] }) {
  if (steps.length === 0) return null;
  const failed = steps.find(({ status }) => status === "failed");
  return (
    <div aria-live="polite">
      <ol class="steps">
        {steps.map(({ step, status, detail }) => (
          <li key={step} class={`step step-${status}`} title={detail}>
            <Icon sign={SIGNS[status] ?? "skipped"} />
            {step}
            <span class="aside"> {status}</span>
          </li>
        ))}
      </ol>
      {failed?.detail && <pre class="code step-detail">{failed.detail}</pre>}
    </div>
  );
}
