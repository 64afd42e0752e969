// reef's extension for pi: the server's tools, its widget, and what a task of reef's own needs. It never throws into the agent.
import type { ExtensionAPI, ExtensionContext } from "@mariozechner/pi-coding-agent";
import { createFleetClient } from "../core/client.js";
import type { FleetClient, ServiceModule } from "../core/types.js";
import { replaceBuiltIns } from "./builtins.js";
import { createCatalog } from "./catalog.js";
import { registerContinue, takeControl } from "./control.js";
import { applyHandOver, type HandOver, handOverOf } from "./handover.js";
import { runInProcess } from "./local.js";
import { createOutcomes, type Outcomes } from "./outcomes.js";
import { withPrompts } from "./prompts.js";
import { createRemote } from "./remote.js";
import { reportLifecycle } from "./report.js";
import { sayOnce } from "./said.js";
import { keepSkills } from "./skills.js";
import { keepWidget } from "./widget.js";

/**
 * Without modules: tools, widget and behaviors of the server at `VERS_INFRA_URL`. With modules: theirs, run in this
 * process; no server is asked for its list.
 */
export function createExtension(modules?: ServiceModule[]): (pi: ExtensionAPI) => void {
  return modules ? (pi) => runInProcess(pi, modules) : connect;
}

export default createExtension();

/** pi calls this again whenever it replaces its session, so all state here belongs to one session. */
function connect(pi: ExtensionAPI): void {
  const control = takeControl();
  if (control) registerContinue(pi, control);
  if (!process.env.VERS_INFRA_URL) {
    pi.on("session_start", (_event, ctx) =>
      sayOnce(ctx, "VERS_INFRA_URL is not set; reef's tools are not available."),
    );
    return;
  }
  const client = createFleetClient();
  const outcomes = createOutcomes(pi);
  const report = reportLifecycle(pi);
  const widget = keepWidget(pi);
  keepSkills(pi, { client, outcomes, isServers: control !== undefined });
  let beforeLoop: BeforeLoop | undefined;

  pi.on("session_start", (_event, ctx) => {
    // In RPC mode pi says this twice for a session that replaces another.
    if (beforeLoop) return;
    const handover = handOverOf(ctx.sessionManager.getEntries());
    // A process that reef keeps warm has no task yet, and its token is worth nothing.
    if (control && !handover) return;
    const session = { pi, ctx, client, outcomes };
    beforeLoop = handover ? startTask(session, handover) : startElsewhere(session);
    widget.start(client, ctx);
    if (!handover) report.start(client, ctx);
  });
  pi.on("before_agent_start", (event) => beforeLoop?.(event.systemPrompt));
}

interface Session {
  pi: ExtensionAPI;
  ctx: ExtensionContext;
  client: FleetClient;
  outcomes: Outcomes;
}

/** Settles which tools a loop has, and its system prompt. */
type BeforeLoop = (systemPrompt: string) => Promise<{ systemPrompt: string } | undefined>;

/** A task of reef's own: tools as its profile says, its own prompts, and a bash that sees no provider key. */
function startTask({ pi, ctx, client, outcomes }: Session, handover: HandOver): BeforeLoop {
  applyHandOver(handover, process.env);
  const { profile } = handover;
  const remote = createRemote(client);
  const catalog = createCatalog(pi, { remote, outcomes, allowed: profile.tools, endsLoop: true });
  replaceBuiltIns(pi, ctx.cwd, catalog.settle);
  if (profile.tools) pi.setActiveTools(profile.tools);
  // Asked for at once, so that the list is there when the prompt comes.
  let first: Promise<boolean> | undefined = catalog.refresh();
  return async (systemPrompt) => {
    const isFresh = await first;
    first = undefined;
    if (!isFresh && !(await catalog.refresh())) console.error("reef: the list of tools could not be read.");
    return withPrompts(systemPrompt, profile);
  };
}

/** Somebody's own pi: the server's tools beside what is there, and nothing else is touched. */
function startElsewhere({ pi, ctx, client, outcomes }: Session): BeforeLoop {
  const catalog = createCatalog(pi, { remote: createRemote(client), outcomes, endsLoop: false });
  const check = async () => {
    if (!(await catalog.refresh())) sayOnce(ctx, `${client.getBaseUrl()} could not be reached.`);
    return undefined;
  };
  void check();
  return check;
}
