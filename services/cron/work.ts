// What a job does, as a caller describes it: `type` and `config`, checked field by field.
import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { ReefError } from "#core/errors.js";
import { isBlank, refused } from "#core/http.js";
import {
  type AgentConfig,
  type ExecConfig,
  type HttpConfig,
  JOB_TYPES,
  type JobType,
  type Work,
} from "./job.js";

const TEXT_CHARS_MAX = 1_000_000;
const NAME_CHARS_MAX = 200;
const PATH_CHARS_MAX = 8_192;
const HEADERS_MAX = 100;
const HEADER_CHARS_MAX = 8_192;
/** Deeper values cannot be written as JSON again everywhere. */
const BODY_LEVELS_MAX = 500;
const SHOWN_CHARS_MAX = 80;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const WITHOUT_BODY = ["GET", "HEAD"];
/** What a run causes hangs under the run, and how much it sends is counted: no job says otherwise. */
const OWN_HEADERS = ["x-reef-cause", "content-length", "transfer-encoding"];

/** Throws `bad_request` with the message for the first thing that is wrong. */
export function readWork(type: string, config: unknown): Work {
  const known = JOB_TYPES.find((one) => one === type);
  if (known === undefined) throw refused(`Invalid job type: ${type}. Must be agent, http, or exec`);
  const fields = new ConfigFields(known, config ?? {});
  if (known === "agent") return { type: known, config: agentConfig(fields) };
  if (known === "http") return { type: known, config: httpConfig(fields) };
  return { type: known, config: execConfig(fields) };
}

function agentConfig(fields: ConfigFields): AgentConfig {
  return {
    prompt: fields.required("prompt", TEXT_CHARS_MAX),
    taskId: fields.text("taskId", NAME_CHARS_MAX),
    parentId: fields.text("parentId", NAME_CHARS_MAX),
    model: fields.text("model", NAME_CHARS_MAX),
    cwd: fields.folder("cwd"),
  };
}

function httpConfig(fields: ConfigFields): HttpConfig {
  const asked = fields.required("method", NAME_CHARS_MAX);
  const path = fields.required("path", PATH_CHARS_MAX);
  const method = METHODS.find((one) => one === asked.toUpperCase());
  if (method === undefined) throw fields.wrong("method", `one of ${METHODS.join(", ")}`, asked);
  if (!path.startsWith("/")) throw fields.wrong("path", 'a path that starts with "/"', path);
  const body = fields.json("body");
  if (body !== undefined && WITHOUT_BODY.includes(method)) {
    throw refused(`config.body cannot be sent with ${method}`);
  }
  return { method, path, body, headers: fields.headers("headers") };
}

function execConfig(fields: ConfigFields): ExecConfig {
  const command = fields.required("command", TEXT_CHARS_MAX);
  if (command.includes("\0")) throw fields.wrong("command", "a text without NUL", command);
  return { command, cwd: fields.folder("cwd") };
}

/** The fields of a config. Null and blank text count as absent. */
class ConfigFields {
  readonly #type: JobType;
  readonly #values: Map<string, unknown>;

  constructor(type: JobType, config: unknown) {
    if (typeof config !== "object" || config === null || Array.isArray(config)) {
      throw refused(`config must be an object. Received: ${shown(config)}`);
    }
    this.#type = type;
    this.#values = new Map(Object.entries(config));
  }

  required(name: string, charsMax: number): string {
    const value = this.text(name, charsMax);
    if (value !== undefined) return value;
    throw refused(`config.${name} is required for ${this.#type} jobs`);
  }

  text(name: string, charsMax: number): string | undefined {
    const value = this.#values.get(name);
    if (isBlank(value)) return undefined;
    if (typeof value !== "string") throw this.wrong(name, "a string", value);
    if (value.length > charsMax) throw refused(`config.${name} is longer than ${charsMax} characters`);
    return value.toWellFormed();
  }

  folder(name: string): string | undefined {
    const path = this.text(name, PATH_CHARS_MAX);
    if (path === undefined || isFolder(path)) return path;
    throw this.wrong(name, "the absolute path of a folder", path);
  }

  json(name: string): unknown {
    const value = this.#values.get(name);
    if (value === undefined || value === null) return undefined;
    if (!isDeeper(value, BODY_LEVELS_MAX)) return value;
    throw refused(`config.${name} must not be nested deeper than ${BODY_LEVELS_MAX} levels`);
  }

  headers(name: string): Record<string, string> | undefined {
    const value = this.#values.get(name);
    if (isBlank(value)) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.wrong(name, "an object", value);
    }
    const entries = Object.entries(value);
    if (entries.length > HEADERS_MAX) throw refused(`config.${name} has more than ${HEADERS_MAX} items`);
    return Object.fromEntries(entries.map(([header, text]) => [header, this.#header(name, header, text)]));
  }

  wrong(name: string, expected: string, received: unknown): ReefError {
    return refused(`config.${name} must be ${expected}. Received: ${shown(received)}`);
  }

  #header(name: string, header: string, text: unknown): string {
    const field = `${name}.${header.slice(0, SHOWN_CHARS_MAX)}`;
    if (typeof text !== "string") throw this.wrong(field, "a string", text);
    if (text.length > HEADER_CHARS_MAX) {
      throw refused(`config.${field} is longer than ${HEADER_CHARS_MAX} characters`);
    }
    if (OWN_HEADERS.includes(header.toLowerCase())) throw refused(`config.${field} is set by the run itself`);
    if (!isHeader(header, text)) throw refused(`config.${field} is no header that can be sent`);
    return text;
  }
}

/** Whatever keeps a path from being looked at (a file on the way, a loop of links, a name too long), it is no folder. */
function isFolder(path: string): boolean {
  if (!isAbsolute(path)) return false;
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

function isHeader(name: string, value: string): boolean {
  try {
    return [...new Headers([[name, value]])].length === 1;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
