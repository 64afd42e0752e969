// Every documented route of every fleet service on a real reef that was just started, each called as the contract says;
// prints what was called and what came back (fleet spec §2–§12, §17.1).
import { afterAll, expect, test } from "bun:test";
import { reef as commandLine } from "../cli/support.js";
import { cleanUp, type Reef, startReef } from "../flow/reef.js";
import { CONTRACT, type ContractRow } from "./contract-rows.js";
import { routeOf } from "./routes.js";
import { serviceNamed, serviceNames } from "./services.js";

const TOKEN = "contract-test-token";
/** Where nothing listens. */
const NO_REGISTRY = "http://127.0.0.1:9";

afterAll(cleanUp);

test("enabled on a fresh reef, every documented route answers as the contract says", async () => {
  const reef = await startReef({ token: TOKEN, env: { REEF_WARM: "0", REEF_NPM_REGISTRY: NO_REGISTRY } });
  expect(await commandLine(reef.url, ["fleet", "enable", "--all"], { token: TOKEN })).toMatchObject({
    code: 0,
  });
  const documented = (await Promise.all(serviceNames().map(documentedBy))).flat();
  const reached = new Set<string>();
  const kept = new Map<string, unknown>();
  for (const row of CONTRACT) {
    const answer = await ask(reef, row, kept);
    const { status, error } = row;
    expect({ call: row.call, ...answer }).toEqual({ call: row.call, status, error, problems: [] });
    reached.add(reachedBy(row, documented));
  }
  expect([...reached].sort()).toEqual(documented.map(({ service, key }) => `${service}: ${key}`).sort());
  console.log(CONTRACT.map(lineOf).join("\n"));
  await reef.stop();
}, 120_000);

interface Documented {
  service: string;
  /** `GET /vms/:id` */
  key: string;
}

async function documentedBy(service: string): Promise<Documented[]> {
  const { routeDocs = {} } = await serviceNamed(service);
  return Object.keys(routeDocs).map((key) => ({ service, key }));
}

function reachedBy({ call }: ContractRow, documented: readonly Documented[]): string {
  const [method = "", target = ""] = call.split(" ");
  const [path = ""] = target.split("?");
  const [, service = ""] = path.split("/");
  const keys = documented.filter((one) => one.service === service).map(({ key }) => key);
  return `${service}: ${routeOf({ method, path }, service, keys)}`;
}

interface Answer {
  status: number;
  /** Where the answer has not the shape that it should have. */
  problems: string[];
  error?: string | undefined;
}

async function ask(reef: Reef, row: ContractRow, kept: Map<string, unknown>): Promise<Answer> {
  const [method = "", path = ""] = row.call
    .replace(/\$(\w+)/g, (_, name) => String(kept.get(name)))
    .split(" ");
  const abort = new AbortController();
  const answer = await fetch(`${reef.url}${path}`, {
    method,
    signal: abort.signal,
    headers: {
      "Content-Type": "application/json",
      ...(!row.visitor && { Authorization: `Bearer ${TOKEN}` }),
    },
    ...(row.body !== undefined && { body: JSON.stringify(row.body, (_, value) => keptOr(value, kept)) }),
  });
  const type = answer.headers.get("content-type")?.toLowerCase() ?? "";
  if (row.shape.includes("/")) {
    abort.abort();
    return {
      status: answer.status,
      error: undefined,
      problems: type.startsWith(row.shape) ? [] : [`is ${type}`],
    };
  }
  const data: unknown = await answer.json();
  for (const [name, path] of Object.entries(row.keep ?? {})) kept.set(name, valueAt(data, path));
  const error = row.error === undefined ? undefined : String(valueAt(data, "error"));
  return { status: answer.status, error, problems: problemsOf(data, row.shape) };
}

function keptOr(value: unknown, kept: Map<string, unknown>): unknown {
  return typeof value === "string" && value.startsWith("$") ? kept.get(value.slice(1)) : value;
}

function valueAt(data: unknown, path: string): unknown {
  return path.split(".").reduce((value, key) => Object(value)[key], data);
}

function problemsOf(data: unknown, shape: string): string[] {
  if (!shape.startsWith("[")) return keyProblems(data, shape);
  if (!Array.isArray(data) || data.length === 0) return ["is no list with something in it"];
  return data.flatMap((item) => keyProblems(item, shape.slice(1, -1)));
}

function keyProblems(data: unknown, shape: string): string[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return ["is no object"];
  const keys = shape.slice(1, -1).trim().split(/\s+/);
  const known = new Set(keys.map((key) => key.replace("?", "")));
  return [
    ...keys.filter((key) => !key.endsWith("?") && !Object.hasOwn(data, key)).map((key) => `has no ${key}`),
    ...Object.keys(data)
      .filter((key) => !known.has(key))
      .map((key) => `has ${key}, too`),
  ];
}

function lineOf({ call, status, shape, error }: ContractRow): string {
  const told = error === undefined ? shape.replace(/\s+/g, " ") : `"${error}"`;
  return `${call.padEnd(46)} ${status}  ${told}`;
}
