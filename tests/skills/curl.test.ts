// Every command that a skill shows runs against a real reef, in order, and ends with the status that the text says.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startReefWith } from "../fleet/reef-with.js";
import { serviceNames } from "../fleet/services.js";
import { cleanUp, type Reef } from "../flow/reef.js";
import { commandsIn, shellBlocks, skillNames, skillText } from "./blocks.js";
import { asOperator, asTask, type Ran, runShell } from "./shell.js";

const TOKEN = "skills-test-token";
/** It has services of its own to write first, and a test of its own. */
const skills = skillNames().filter((name) => name !== "create-service");

/** Skills for those who run reef. All others are for agents, and run in the bash of a task. */
const OPERATORS = new Set(["setup", "deploy"]);

/** The application of `app-deployment`, and the package registry that the updater asks. */
const outside = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => Response.json({ version: "0.0.1" }),
});
const OUTSIDE = `http://127.0.0.1:${outside.port}`;

/** What a skill needs to be there, and what stands in the place of what its reader puts in. */
const PREPARED: Record<string, (reef: Reef) => Promise<Record<string, string>>> = {
  "app-deployment": async () => ({ VM: "vm-shop-1", APP: OUTSIDE }),
  setup: async (reef) => ({ VERS_INFRA_URL: reef.url }),
  async deploy(reef) {
    for (const greeting of ["hello", "good morning"]) {
      writeHello(reef.servicesDir, greeting);
      if (greeting === "hello") await reef.api("POST", "/services/deploy", { name: "hello" });
    }
    return { NAME: "hello" };
  },
};

function writeHello(servicesDir: string, greeting: string): void {
  const dir = join(servicesDir, "hello");
  mkdirSync(dir, { recursive: true });
  const index = `import { Hono } from "hono";
export default { name: "hello", routes: new Hono().get("/", (c) => c.text("${greeting}")) };
`;
  const hello = `import { expect, test } from "bun:test";
import hello from "./index.js";
test("it greets", async () => expect((await hello.routes.request("/")).status).toBe(200));
`;
  writeFileSync(join(dir, "index.ts"), index);
  writeFileSync(join(dir, "hello.test.ts"), hello);
}

let everything: Reef;
let bare: Reef;
beforeAll(async () => {
  const env = { REEF_NPM_REGISTRY: OUTSIDE };
  [everything, bare] = await Promise.all([
    startReefWith(serviceNames(), { token: TOKEN, env }),
    startReefWith([], { token: TOKEN, env }),
  ]);
}, 60_000);
afterAll(async () => {
  await cleanUp();
  await outside.stop(true);
});

describe.each(skills)("%s", (name) => {
  const text = skillText(name);

  test("runs as it is written, with the statuses that it states (spec §16)", async () => {
    // `setup` begins with a reef that has nothing, and switches services on.
    const reef = name === "setup" ? bare : everything;
    const given = (await PREPARED[name]?.(reef)) ?? {};
    expect(Object.keys(given).toSorted()).toEqual(assignedIn(text));
    const run = OPERATORS.has(name) ? asOperator(reef, TOKEN) : asTask(reef, name);
    const ran = await runShell(text, run, given);
    expect(ran.filter((one) => !isAsStated(one)).map(inShort)).toEqual([]);
    expect(ran.some(({ requests }) => requests.length > 0)).toBe(true);
  }, 120_000);

  test("has only commands that bash can read, those for another machine too", () => {
    for (const { code } of shellBlocks(text, "elsewhere")) {
      const { exitCode, stderr } = Bun.spawnSync(["bash", "-n", "-c", code]);
      expect([code, exitCode, String(stderr)]).toEqual([code, 0, ""]);
    }
  });

  test("is short enough for a model, and says when to use it (spec §16)", () => {
    expect(text).toMatch(new RegExp(`^---\\nname: ${name}\\ndescription: .{60,300}\\n---\\n\\n# `));
    expect(text).toMatch(/^description: .*\bUse\b/m);
    expect(text.split("\n").length).toBeLessThanOrEqual(150);
  });
});

test("a command that fails, or ends with another status, is noticed", async () => {
  const text = [
    "```sh",
    'curl -sS $VERS_INFRA_URL/health -H "Authorization: Bearer $VERS_AUTH_TOKEN"',
    "curl -sS $VERS_INFRA_URL/nowhere",
    "curl -sS $VERS_INFRA_URL/nowhere # 404",
    "curl -sS $VERS_INFRA_URL/health # 409",
    "X=$(curl -sS $VERS_INFRA_URL/health | grep absent)",
    "```",
    "",
  ].join("\n");
  const ran = await runShell(text, asOperator(everything, TOKEN));
  expect(ran.map(isAsStated)).toEqual([true, false, true, false, false]);
});

/** The names that the skill leaves to its reader. */
function assignedIn(text: string): string[] {
  const commands = shellBlocks(text, "given").flatMap(commandsIn);
  return commands.map((command) => command.slice(0, command.indexOf("="))).toSorted();
}

function inShort({ command, exitCode, requests }: Ran): string {
  return `${requests.map(({ status }) => status).join(" ")} (exit ${exitCode}): ${command}`;
}

/** Each request ended well, or as the comment behind the command says: `# 409 lease lost`, `# 200, or 409 when …`. */
function isAsStated({ command, exitCode, requests }: Ran): boolean {
  const [, comment = ""] = / # (.*)$/.exec(command) ?? [];
  const stated = comment.match(/\b[2-5]\d\d\b/g)?.map(Number);
  const isFine = (status: number) => stated?.includes(status) ?? (status >= 200 && status < 300);
  const isAsked = requests.length > 0 || !/\bcurl /.test(command);
  return exitCode === 0 && isAsked && requests.every(({ status }) => isFine(status));
}
