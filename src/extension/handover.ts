// What the server tells the extension about the run that begins: read from pi's session, put into the environment.

/** The data of the session's `custom` entry `reef`. No secrets. */
export interface HandOver {
  v: 1;
  runId: string;
  taskId: string;
  /** The turn's `user` node. */
  nodeId: string;
  agentName: string;
  parentAgent?: string;
  profile: Profile;
}

export interface Profile {
  /** Takes the place of the marker on the command line. */
  systemPrompt: string;
  appendSystemPrompt?: string;
  /** Allow-list over built-in and server tools; absent = pi's default ones and all of the server's. */
  tools?: string[];
}

/** The newest hand-over of a session; undefined in a pi that reef did not start for a task. */
export function handOverOf(entries: readonly { type: string }[]): HandOver | undefined {
  const newest = entries.findLast(
    (entry) => entry.type === "custom" && "customType" in entry && entry.customType === "reef",
  );
  const data = newest && "data" in newest ? newest.data : undefined;
  return isHandOver(data) ? data : undefined;
}

/** What was not known when the process was started. */
export function applyHandOver(handover: HandOver, env: Record<string, string | undefined>): void {
  env.REEF_TASK_ID = handover.taskId;
  env.REEF_NODE_ID = handover.nodeId;
  env.VERS_AGENT_NAME = handover.agentName;
  if (handover.parentAgent === undefined) delete env.VERS_PARENT_AGENT;
  else env.VERS_PARENT_AGENT = handover.parentAgent;
}

function isHandOver(data: unknown): data is HandOver {
  if (!isRecord(data) || data.v !== 1 || !isRecord(data.profile)) return false;
  const { systemPrompt, appendSystemPrompt, tools } = data.profile;
  return (
    [data.runId, data.taskId, data.nodeId, data.agentName, systemPrompt].every(isString) &&
    [data.parentAgent, appendSystemPrompt].every((text) => text === undefined || isString(text)) &&
    (tools === undefined || (Array.isArray(tools) && tools.every(isString)))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
