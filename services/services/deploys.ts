// Deploys as they come in: one after another for each folder, some folders side by side, each told while it goes on and
// recorded when it has ended.
import type { Caller, Isolation, ServiceContext, ServiceCopy, ServiceModule } from "#core/types.js";
import { createRun, type DeployRun } from "./deploy.js";
import type { Deploy, Ledger, Probation } from "./ledger.js";
import type { Probations } from "./probation.js";
import type { Progress } from "./steps.js";
import { createTurns, type Turns } from "./turns.js";

/** Each of them may have two child processes, one after the other. */
const AT_ONCE_MAX = 4;
const WAITING_MAX = 100;

export interface Deploys {
  /** Goes on to its end whether or not somebody waits for it. Rejects only when reef itself cannot go on. */
  run(dir: string, options?: RunOptions): Promise<Deploy>;
}

export type Tell = (progress: Progress) => void;

interface RunOptions {
  tell?: Tell;
  /** Under an Idempotency-Key; left with the deploy, so that a later attempt finds it. */
  operation?: string;
}

/** The services manager's store. */
export interface Books extends NonNullable<ServiceModule["store"]> {
  ledger: Ledger;
  probations: Probations;
}

export interface DeploysOptions {
  ctx: ServiceContext;
  /** Of the live version: a deploy may outlive the version of the services manager that began it. */
  books(): Books;
  /** Changes of one folder happen one after another. */
  changes: Turns;
}

interface Begun extends Pick<Deploy, "id" | "at" | "by"> {
  dir: string;
  operation: string | undefined;
}

export function createDeploys({ ctx, books, changes }: DeploysOptions): Deploys {
  const turns = createTurns({ atOnceMax: AT_ONCE_MAX, waitingMax: WAITING_MAX });
  const { registry, servicesDir } = ctx;

  async function deploy(dir: string, { tell, operation }: RunOptions): Promise<Deploy> {
    const caller = ctx.caller();
    const own = { id: books().ledger.newId(), at: new Date().toISOString(), by: nameOf(caller) };
    const begun = { ...own, dir, operation };
    const { taskId } = caller;
    const run = createRun({
      ...{ registry, servicesDir, dir },
      isolation: isolationFor(caller),
      tell(progress) {
        tell?.(progress);
        const of = { type: "service_deploy_step", deployId: begun.id, name: run.outcome.name, taskId };
        ctx.events.fire("reef:frame", { ...of, ...progress });
      },
    });
    const copy = await run.tryOut();
    if (copy === undefined) return settle(run, begun);
    return changes.take(dir, () => putLive(run, begun, copy));
  }

  /** With the record in the same turn, so that a roll-back that follows finds it. */
  async function putLive(run: DeployRun, begun: Begun, copy: ServiceCopy): Promise<Deploy> {
    const of = { name: run.outcome.name, dir: begun.dir, hash: copy.hash, deployId: begun.id };
    const { probation, cancel } = books().probations.begin(of);
    const isLive = await run.putLive(copy).catch((error) => {
      cancel();
      throw error;
    });
    if (!isLive) cancel();
    return settle(run, begun, isLive ? probation : undefined);
  }

  async function settle(run: DeployRun, begun: Begun, probation?: Probation): Promise<Deploy> {
    const { dir, operation, ...rest } = begun;
    const { outcome } = run;
    const node = await ctx.record(eventOf(run, begun.id));
    const deploy = { ...outcome, ...rest, nodeId: node?.nodeId ?? null, ...refusalOf(run) };
    const { ledger, probations } = books();
    const isOn = probation !== undefined && probations.goOn(probation);
    await ledger.add(deploy, { dir, operation, ...(isOn ? { probation } : {}) });
    return deploy;
  }

  return { run: (dir, options = {}) => turns.take(dir, () => deploy(dir, options)) };
}

function nameOf({ agentName, taskId, kind }: Caller): string {
  return agentName ?? taskId ?? kind;
}

/** Only an operator's service runs in the server unless it asks for a process of its own. */
function isolationFor({ kind }: Caller): Isolation {
  return kind === "server" || kind === "session" ? "none" : "process";
}

function refusalOf({ outcome }: DeployRun): Pick<Deploy, "error" | "code"> {
  if (outcome.deployed) return {};
  return { error: `Not deployed: ${outcome.steps.at(-1)?.step} failed`, code: "bad_request" };
}

function eventOf({ outcome }: DeployRun, deployId: string): Record<string, unknown> {
  const { name, hash, previousHash, tests, deployed, steps } = outcome;
  const meta = { name, hash, ...(previousHash === null ? {} : { previousHash }), deployId };
  const source = "services";
  if (deployed) {
    const content = `service deployed: ${name}`;
    return { type: "service_deploy", source, content, ...meta, ...(tests ? { tests } : {}) };
  }
  const last = steps.at(-1);
  const content = `service deploy failed: ${name} — ${last?.step}: ${last?.detail}`;
  return { type: "service_deploy_failed", source, content, ...meta };
}
