// The tools of a service in a process: what it registers is told to the server, which checks it and every call, and run
// here when the server asks.
import { messageOf } from "../errors.js";
import { createRecorder } from "../recorder.js";
import type { FleetClient, Log, ServiceModule } from "../types.js";
import { isJson, jsonFields } from "./json.js";
import type { Incoming } from "./peer.js";
import type { RecordedTools, ToolOrder } from "./protocol.js";

export interface GuestTools {
  readonly recorded: RecordedTools;
  /** Whatever the tool answers, as JSON; the server makes a result of it. Rejects with what it throws. */
  run(order: ToolOrder, call: Incoming): Promise<unknown>;
}

type Fields = Record<string, unknown>;

export function recordTools(module: ServiceModule, client: FleetClient, log: Log): GuestTools {
  const given: Fields[] = [];
  const failure = register(module, client, log, given);
  const recorded: RecordedTools = { definitions: given.map((one) => definitionOf(one, log)) };
  if (failure !== undefined) recorded.failure = failure;
  return {
    recorded,
    async run({ index, toolCallId, params, ctx }, { signal, news }) {
      const { execute } = given[index] ?? {};
      if (typeof execute !== "function") throw new Error(`there is no tool ${index} any more`);
      const onUpdate = (partial: unknown) => news(plain(partial));
      return plain(await execute.call(given[index], toolCallId, params, signal, onUpdate, ctx));
    },
  };
}

/** Fills `given`. Returns what `registerTools` threw, with which it has registered nothing. */
function register(module: ServiceModule, client: FleetClient, log: Log, given: Fields[]): string | undefined {
  const registerTool = (definition?: Fields) => void given.push(definition ?? {});
  try {
    module.registerTools?.(createRecorder({ registerTool }, { log, warned: new Set() }), client);
    return undefined;
  } catch (error) {
    given.length = 0;
    return messageOf(error);
  }
}

function definitionOf(given: Fields, log: Log): RecordedTools["definitions"][number] {
  const { name, execute, parameters, prepareArguments } = given;
  if (typeof prepareArguments === "function")
    log.warn(`tool "${name}": prepareArguments does not run for a service in a process of its own`);
  // A schema that JSON cannot hold is refused in the server, as none would be.
  const schema = parameters === undefined || isJson(parameters) ? {} : { parameters: null };
  return { fields: { ...jsonFields(given), ...schema }, isExecutable: typeof execute === "function" };
}

/** Without what JSON cannot hold: details that cannot only go along with the content. */
function plain(value: unknown): unknown {
  return typeof value === "object" && value !== null ? jsonFields(value) : value;
}
