// Runs the shell blocks of a skill in one bash, in their order, and tells what each command asked reef and how that ended.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Reef, ROOT, temporaryFolder } from "../flow/reef.js";
import { commandsIn, shellBlocks } from "./blocks.js";

export interface Ran {
  command: string;
  exitCode: number;
  /** `METHOD /path status` of each request that curl made. */
  requests: { method: string; url: string; status: number }[];
}

/** Runs `bash <file>` for somebody, and waits for its end. */
export type Runner = (file: string) => Promise<void>;

const LIMIT_MS = 120_000;
/** A stream is followed for as long as a test can wait; the skills say a minute. */
const STREAM_SECONDS = 1;

/** `given` goes in the place of what the `given` blocks of the skill say. */
export async function runShell(
  text: string,
  run: Runner,
  given: Record<string, string> = {},
): Promise<Ran[]> {
  const folder = temporaryFolder("reef-skill-");
  const commands = shellBlocks(text, "").flatMap(commandsIn);
  const file = join(folder, "skill.sh");
  writeFileSync(file, scriptOf(folder, text, commands, given));
  await run(file);
  return readTrace(readFileSync(join(folder, "trace"), "utf8"), commands);
}

/** A person with the server's token. */
export function asOperator(reef: Reef, token: string): Runner {
  return async (file) => {
    const child = Bun.spawn(["bash", file], {
      env: { PATH: process.env.PATH, HOME: dirname(file), VERS_INFRA_URL: reef.url, VERS_AUTH_TOKEN: token },
      stdio: ["ignore", "ignore", "ignore"],
      timeout: LIMIT_MS,
    });
    await child.exited;
  };
}

/** An agent in its bash: what it may do is what its task may, and address and token are those that reef gave it. */
export function asTask(reef: Reef, taskId: string): Runner {
  return async (file) => {
    await reef.submit({ taskId, task: `call bash ${JSON.stringify({ command: `bash ${file}` })}` });
    await reef.over(taskId);
  };
}

/** A `curl` that also writes down what it asked and what came back, and the `reef` that `npm link` gives. */
function programs(folder: string): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const curl = `#!/bin/bash
args=("$@")
for arg in "$@"; do [[ $arg == -sSN ]] && args+=(-m ${STREAM_SECONDS}); done
"${Bun.which("curl")}" "\${args[@]}" -w '%{stderr}request %{method} %{http_code} %{url}\\n' 2>>"${folder}/trace"
code=$?
[[ $code == 28 && "$*" == *-sSN* ]] && exit 0
exit $code
`;
  const reef = `#!/bin/bash\nexec "${process.execPath}" --no-install "${join(ROOT, "src/cli.ts")}" "$@"\n`;
  for (const [name, source] of Object.entries({ curl, reef }))
    writeFileSync(join(bin, name), source, { mode: 0o755 });
  return bin;
}

function scriptOf(
  folder: string,
  text: string,
  commands: readonly string[],
  given: Record<string, string>,
): string {
  const trace = join(folder, "trace");
  const begin = ["set -o pipefail", `export PATH="${programs(folder)}:$PATH"`, `cd "${folder}"`];
  const assigned = shellBlocks(text, "given").map(({ code }) => code);
  const overrides = Object.entries(given).map(([name, value]) => `${name}='${value}'`);
  const steps = commands.map(
    (command) => `echo command >> "${trace}"\n{ ${command}\n}\necho "exit $?" >> "${trace}"`,
  );
  return [...begin, ...assigned, ...overrides, ...steps].join("\n");
}

function readTrace(trace: string, commands: readonly string[]): Ran[] {
  const parts = trace.split(/^command\n/m).slice(1);
  return commands.map((command, index) => {
    const lines = (parts[index] ?? "").split("\n");
    const exit = lines.find((line) => line.startsWith("exit "));
    return {
      command,
      exitCode: exit === undefined ? -1 : Number(exit.slice("exit ".length)),
      requests: lines
        .filter((line) => line.startsWith("request "))
        .map((line) => {
          const [, method = "", status = "", url = ""] = line.split(" ");
          return { method, url, status: Number(status) };
        }),
    };
  });
}
