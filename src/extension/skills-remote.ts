// What an agent's machine asks of the SkillHub, with an end to each question and to each answer.
import { messageOf } from "../core/errors.js";
import type { FleetClient } from "../core/types.js";
import { identity } from "./remote.js";
import type { Content, Held } from "./skills-folder.js";

const CALL_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 16 * 1_048_576;
const NAME_CHARS_MAX = 200;
const CONTENT_CHARS_MAX = 1_000_000;

export type ItemType = "skill" | "extension";

export interface Update {
  type: ItemType;
  name: string;
  version: number;
  action: "install" | "update" | "remove";
  hash?: string;
}

/** The hub could not be asked at all; what is wrong with one item is an error of another kind. */
export class HubUnavailable extends Error {
  override readonly name = "HubUnavailable";
}

export interface HubRemote {
  /** What has to change. Undefined when the server has no SkillHub. Rejects when it cannot be asked. */
  sync(held: Record<ItemType, Held[]>): Promise<Update[] | undefined>;
  /** Undefined when agents are not to have it any more. */
  read(type: ItemType, name: string): Promise<Content | undefined>;
  /** The changes after one, or from now on. */
  stream(after: string | undefined, signal: AbortSignal): Promise<Response>;
}

/** `signal` ends every question. */
export function createHubRemote(client: FleetClient, signal: AbortSignal): HubRemote {
  async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]);
    const response = await reach(path, { ...init, signal: limit });
    const text = await textOf(response);
    if (response.status === 404) return undefined;
    const body = parsed(text, path);
    if (response.ok) return body;
    const reason = isObject(body) && typeof body.error === "string" ? body.error : "no";
    throw new HubUnavailable(`the SkillHub said: ${reason} (${response.status})`);
  }

  async function reach(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${client.getBaseUrl()}${path}`, {
        ...init,
        headers: { ...identity(client), ...init.headers },
      });
    } catch (error) {
      throw new HubUnavailable(`${client.getBaseUrl()} could not be reached.`, { cause: error });
    }
  }

  return {
    async sync(held) {
      const body = JSON.stringify({
        agentId: client.agentName.slice(0, NAME_CHARS_MAX),
        vmId: client.vmId,
        skills: held.skill,
        extensions: held.extension,
      });
      const headers = { "Content-Type": "application/json" };
      const answer = await ask("/skills/sync", { method: "POST", headers, body });
      if (answer === undefined) return undefined;
      const updates = isObject(answer) ? answer.updates : undefined;
      if (!Array.isArray(updates) || !updates.every(isUpdate))
        throw new HubUnavailable(`${NOT_A_HUB} /skills/sync`);
      return updates;
    },
    async read(type, name) {
      const path = `/skills/${type === "skill" ? "items" : "extensions"}/${encodeURIComponent(name)}`;
      const item = await ask(path);
      if (item === undefined) return undefined;
      if (!isContent(item) || item.name !== name) throw new Error(`${NOT_A_HUB} ${path}`);
      return item.enabled === false ? undefined : item;
    },
    stream: (after, ended) =>
      reach("/skills/stream", {
        signal: ended,
        headers: { Accept: "text/event-stream", ...(after !== undefined && { "Last-Event-ID": after }) },
      }),
  };
}

const NOT_A_HUB = "the server does not answer as a SkillHub does at";

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HubUnavailable(`${NOT_A_HUB} ${path}`, { cause: error });
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > ANSWER_BYTES_MAX) break;
    }
  } catch (error) {
    throw new HubUnavailable(`the SkillHub's answer did not come: ${messageOf(error)}`, { cause: error });
  }
  if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of over ${ANSWER_BYTES_MAX} bytes`);
  return Buffer.concat(chunks).toString();
}

function isUpdate(value: unknown): value is Update {
  if (!isObject(value)) return false;
  const { type, name, version, action, hash } = value;
  return (
    (type === "skill" || type === "extension") &&
    (action === "install" || action === "update" || action === "remove") &&
    typeof name === "string" &&
    Number.isSafeInteger(version) &&
    (hash === undefined || typeof hash === "string")
  );
}

function isContent(value: unknown): value is Content & { enabled?: unknown } {
  if (!isObject(value)) return false;
  const { name, version, hash, content } = value;
  return (
    typeof name === "string" &&
    Number.isSafeInteger(version) &&
    Number(version) >= 1 &&
    typeof hash === "string" &&
    typeof content === "string" &&
    content.length <= CONTENT_CHARS_MAX
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
