// The tools of a service that runs in a process: registered here with what the service says of them, and run there.
import type { FleetClient, ServiceModule } from "../types.js";
import type { RecordedTools } from "./protocol.js";
import type { Supervisor } from "./supervisor.js";

type Execute = (
  toolCallId: string,
  params: unknown,
  signal: AbortSignal,
  onUpdate: (partial: unknown) => void,
  ctx: object,
) => Promise<unknown>;

/** What the server's recorder offers: it takes any definition, and says itself what is wrong with it. */
interface Recorder {
  registerTool(definition: object): void;
}

/** Names and schemas are checked where every module's are. */
export function registerForwarded(
  { definitions, failure }: RecordedTools,
  supervisor: Supervisor,
): NonNullable<ServiceModule["registerTools"]> {
  return (pi, client) => {
    if (failure !== undefined) throw new Error(failure);
    const recorder: Recorder = pi;
    for (const [index, { fields, isExecutable }] of definitions.entries()) {
      const execute = executor(index, client, supervisor);
      recorder.registerTool(isExecutable ? { ...fields, execute } : fields);
    }
  };
}

function executor(index: number, client: FleetClient, supervisor: Supervisor): Execute {
  return async (toolCallId, params, signal, onUpdate, ctx) => {
    const order = { index, toolCallId, params, ctx, baseUrl: client.getBaseUrl() };
    const { value } = await supervisor.call("tool", order, { signal, onNews: onUpdate });
    return value;
  };
}
