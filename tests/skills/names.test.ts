// What the skills name exists: routes with their parameters, tools with theirs, variables, commands, statuses, messages.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startReefWith } from "../fleet/reef-with.js";
import { serviceNames } from "../fleet/services.js";
import { cleanUp, ROOT } from "../flow/reef.js";
import { blocksOf, commandsIn, skillNames, skillText } from "./blocks.js";
import { type Route, type Vocabulary, vocabularyOf } from "./vocabulary.js";

/** Of other programs, or free words. */
const OUTSIDE = new Set([
  "npm link",
  "./bin/reef.mjs",
  "openssl rand -hex 32 > …",
  "-m",
  "::",
  ...["stable", "rollback-point", "wip", "broken"],
]);

let known: Vocabulary;
beforeAll(async () => {
  known = await vocabularyOf(await startReefWith(serviceNames()));
}, 60_000);
afterAll(cleanUp);

describe.each(skillNames())("%s", (name) => {
  const text = skillText(name);
  // It names the parts of a service that it lets its reader write; its own test deploys that.
  const isOfReef = (span: string) =>
    name !== "create-service" || /^(\w+ \/(services|scaffold)\b|reef_)/.test(span);
  const commands = blocksOf(text)
    .filter(({ language }) => language === "sh")
    .flatMap(commandsIn);

  test("names nothing in its text that does not exist (spec §16)", () => {
    expect(spansOf(text).filter(isOfReef).flatMap(problemsOf)).toEqual([]);
  });

  test("calls routes with the parameters and fields that they have (spec §16)", () => {
    const calls = commands.flatMap(callsIn).filter(({ path }) => path !== "/notes");
    expect(calls.flatMap(problemsOfCall)).toEqual([]);
  });

  test("uses the commands and options that `reef` has", () => {
    const used = commands.flatMap((command) =>
      Array.from(command.matchAll(/(?:^|\s)(reef \w.*)$/g), ([, one]) => one ?? ""),
    );
    expect(used.filter((command) => !isCommand(command))).toEqual([]);
  });
});

test("the README lists each of them", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  const listed = Array.from(readme.matchAll(/^\| .*\(skills\/.*$/gm), ([row]) =>
    Array.from(row.matchAll(/\[([\w-]+)\]\(skills\/\1\/SKILL\.md\)/g), ([, name]) => name),
  );
  expect(listed.flat().toSorted()).toEqual(skillNames());
});

test("names that do not exist are found", () => {
  const spans = [
    "POST /board/cards",
    "GET /board/tasks?owner=ada",
    "board_delete_task",
    'board_claim {"id": "…"}',
    "REEF_NOPE",
    "reef deploy",
    "reef submit --now",
    "in_limbo",
    "owner=ada",
    "lease vanished",
    '{"assignedTo": null}',
    "skills/nothing",
  ];
  expect(spans.filter((span) => problemsOf(span).length === 0)).toEqual([]);
  const calls = [
    'curl -sS $REEF/board/tasks -d \'{"title": "x", "owner": "ada"}\'',
    'curl -sS "$REEF/board/tasks?owner=ada"',
    "curl -sS -X PUT $REEF/board/tasks",
  ];
  expect(calls.flatMap(callsIn).flatMap(problemsOfCall)).toHaveLength(3);
});

/** What stands between backticks, outside of code blocks. */
function spansOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
  return Array.from(prose.matchAll(/`([^`]+)`/g), ([, span = ""]) => span.replace(/\s+/g, " "));
}

function problemsOf(span: string): string[] {
  const [, method, path = ""] = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/.exec(span) ?? [];
  const [, tool = "", params = ""] = /^([a-z]+_\w+) (\{.*\})$/.exec(span) ?? [];
  if (OUTSIDE.has(span) || skillNames().includes(span)) return [];
  if (method) return problemsOfRoute(span, path, method);
  if (tool) return problemsOfTool(span, tool, params);
  if (/^reef (?!running on)\w/.test(span)) return isCommand(span) ? [] : [`no such command: ${span}`];
  if (/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(span) && span.length > 2)
    return known.variables.has(span) ? [] : [`no such variable: ${span}`];
  if (/^(board|feed|log|journal|registry|reports|commits|usage|skillhub)_\w+$/.test(span))
    return known.tools.has(span) ? [] : [`no such tool: ${span}`];
  if (/^\w+=\S+$/.test(span)) return problemsOfQuery(span);
  if (/^\/[a-z]/.test(span)) return known.route(span) ? [] : [`no such route: ${span}`];
  if (/^--/.test(span)) return hasOption(span) ? [] : [`no command has the option ${span}`];
  return isInCode(span) ? [] : [`not in the code: ${span}`];
}

function problemsOfRoute(span: string, path: string, method: string): string[] {
  const [bare = "", query = ""] = path.split("?");
  const route = known.route(bare, method);
  return route ? unknownQuery(span, route, query) : [`no such route: ${span}`];
}

function unknownQuery(where: string, route: Route, query: string): string[] {
  const names = [...new URLSearchParams(query).keys()].filter(
    (name) => !Object.hasOwn(route.query ?? {}, name),
  );
  return names.map((name) => `no such query parameter: ${name} in ${where}`);
}

function problemsOfTool(span: string, tool: string, params: string): string[] {
  const has = known.tools.get(tool);
  if (!has) return [`no such tool: ${span}`];
  const keys = Object.keys(JSON.parse(params)).filter((key) => !has.includes(key));
  return keys.map((key) => `no such parameter: ${key} in ${span}`);
}

/** `ready=true`: some route has a parameter of that name. */
function problemsOfQuery(span: string): string[] {
  return known.queries.has(span.slice(0, span.indexOf("="))) ? [] : [`no such query parameter: ${span}`];
}

function isCommand(text: string): boolean {
  const [, name = "", ...words] = text.split(/\s+/);
  const options = known.commands.get(name);
  const used = words.filter((word) => word.startsWith("--"));
  return options !== undefined && used.every((option) => options.includes(option));
}

function hasOption(option: string): boolean {
  return [...known.commands.values()].some((options) => options.includes(option));
}

/** Of a message, every piece between its `…` and `<…>` is there, of an object every key. */
function isInCode(span: string): boolean {
  if (/^\d+[mhdw]$/.test(span)) return true;
  const keys = Array.from(span.matchAll(/"?(\w+)"?(?=: |, |\}$)/g), ([, key = ""]) => key);
  const pieces = /^[{"]/.test(span) ? keys : span.split(/…|<[^>]*>/);
  return pieces
    .map((piece) => piece.replace(/^\W+|\W+$/g, ""))
    .every((piece) => piece === "" || isPiece(piece));
}

/** The code builds some messages from parts; what comes of them stands in the tests. */
function isPiece(piece: string): boolean {
  const escaped = piece.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const whole = new RegExp(`(?<!\\w)${escaped}(?!\\w)`, "i");
  return whole.test(known.code) || (piece.includes(" ") && whole.test(known.tests));
}

interface CallOfReef {
  command: string;
  method: string;
  path: string;
  query: string;
  body: string;
}

/** The requests to reef in a command. */
function callsIn(command: string): CallOfReef[] {
  return command
    .split(/(?=\bcurl )/)
    .filter((part) => /^curl .*\$(REEF|VERS_INFRA_URL)/.test(part))
    .map((part) => {
      const [, path = "", query = ""] =
        /\$(?:REEF|VERS_INFRA_URL)(\/[^\s"'?]*)\??([^\s"']*)/.exec(part) ?? [];
      const body = bodyOf(part);
      const [, method = body ? "POST" : "GET"] = / -X (\w+)/.exec(part) ?? [];
      return { command, method, path, query, body };
    });
}

/** The JSON that is sent, with something in the place of each variable. */
function bodyOf(part: string): string {
  const [, single, double = ""] = / -d (?:'([^']*)'|"((?:\\.|[^"\\])*)")/.exec(part) ?? [];
  return single ?? double.replaceAll('\\"', '"').replace(/\$\w+/g, "0");
}

function problemsOfCall({ command, method, path, query, body }: CallOfReef): string[] {
  const route = known.route(path, method);
  if (!route) return [`no such route: ${method} ${path}`];
  const fields = body === "" ? [] : Object.keys(JSON.parse(body));
  const unknown = fields.filter((field) => !Object.hasOwn(route.body ?? {}, field));
  return [
    ...unknown.map((field) => `no such field: ${field} in ${command}`),
    ...unknownQuery(command, route, query),
  ];
}
