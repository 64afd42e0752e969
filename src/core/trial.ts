// Tries a staged copy before it is loaded: imports it, and runs its tests, each in a child process with a data folder of
// its own, so that whatever a new version does, it does not do it to the server.
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Config } from "./config.js";
import { ReefError } from "./errors.js";
import { type ChildEnd, runChild } from "./trial-child.js";
import { createPlaces, type Place } from "./trial-place.js";
import type { Log, ServiceCopy, TestReport } from "./types.js";
import { TookTooLong } from "./within.js";

const LIMITS = {
  importMs: 30_000,
  testMs: 120_000,
  /** Of one test. A machine that is busy with other things takes its time. */
  oneTestMs: 20_000,
};
/** Of what was printed, the end; more is read, since it becomes shorter when paths do. */
const OUTPUT_CHARS_MAX = 2_000;
const OUTPUT_CHARS_READ = 8_000;
/** Of a report, the attributes of its root element are all that counts. */
const REPORT_BYTES_READ = 4_096;

export interface Trial {
  /** Imports the copy and checks its shape and its name. Rejects `bad_request` with the problem's text. */
  import(copy: ServiceCopy): Promise<{ name: string }>;
  /** Runs the copy's `*.test.ts`, at any depth. Null without one. */
  test(copy: ServiceCopy): Promise<TestReport | null>;
}

export interface TrialDeps {
  config: Config;
  log: Log;
  limits?: Partial<typeof LIMITS>;
}

/** What the importing child says: the module's name, or what is wrong with it. */
const ImportAnswer = Type.Union([
  Type.Object({ name: Type.String() }),
  Type.Object({ problem: Type.String() }),
]);
export type ImportAnswer = Static<typeof ImportAnswer>;

export function createTrial({ config, log, limits }: TrialDeps): Trial {
  const { importMs, testMs, oneTestMs } = { ...LIMITS, ...limits };
  const places = createPlaces(config, log);

  function run(place: Place, args: string[], limitMs: number): Promise<ChildEnd> {
    const argv = [process.execPath, "--no-install", "--no-orphans", ...args];
    return runChild({ argv, ...place, limitMs, outputCharsMax: OUTPUT_CHARS_READ, log });
  }

  return {
    import: (copy) =>
      places.use(async (place) => {
        const answerPath = join(place.root, "answer.json");
        const script = fileURLToPath(new URL("./trial-import.ts", import.meta.url));
        const end = await run(place, [script, copy.dir, answerPath], importMs);
        const answer = await readAnswer(answerPath);
        if (answer && "name" in answer) return answer;
        const problem = answer?.problem ?? `import error: ${lostImport(end, importMs)}`;
        throw new ReefError("bad_request", readable(problem, copy, place));
      }),
    test: async (copy) => {
      const files = copy.files.filter((path) => path.endsWith(".test.ts"));
      if (files.length === 0) return null;
      return places.use(async (place) => {
        const path = join(place.root, "report.xml");
        const paths = files.map((file) => join(copy.dir, file));
        const options = [`--timeout=${oneTestMs}`, "--reporter=junit", `--reporter-outfile=${path}`];
        const end = await run(place, ["test", ...options, ...paths], testMs);
        const isFailure = end.code !== 0 || !hasRun(end);
        const { passed, failed } = await readCounts(path);
        const output = readable(testOutput(end, testMs), copy, place).slice(-OUTPUT_CHARS_MAX);
        return {
          passed,
          failed: Math.max(failed, Number(isFailure)),
          files: files.length,
          isFailure,
          output,
        };
      });
    },
  };
}

/** Undefined when the child ended before it could say anything. */
async function readAnswer(path: string): Promise<ImportAnswer | undefined> {
  const text = await textIfThere(path);
  return text === "" ? undefined : Value.Parse(ImportAnswer, JSON.parse(text));
}

/** A module that ends its process while it is imported, or never comes back from it. */
function lostImport(end: ChildEnd, limitMs: number): string {
  if (end.isLate) return new TookTooLong(limitMs).message;
  const said = end.output.trim();
  return `the module ended its process (${howItEnded(end)})${said ? `: ${said}` : ""}`;
}

function howItEnded({ code, signal }: ChildEnd): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** A test that ends the process with code 0 keeps the others from running: only the closing line shows that all ran. */
function hasRun({ output }: ChildEnd): boolean {
  return /^Ran \d+ tests? across \d+ files?\./m.test(output);
}

function testOutput(end: ChildEnd, limitMs: number): string {
  if (end.isLate) return `${end.output}\nthe tests: ${new TookTooLong(limitMs).message}`;
  return hasRun(end) ? end.output : `${end.output}\nthe tests ended before all had run (${howItEnded(end)})`;
}

/** Zeros when there is no report: no file could be loaded, or the run did not come to its end. */
async function readCounts(path: string): Promise<{ passed: number; failed: number }> {
  const head = (await textIfThere(path)).slice(0, REPORT_BYTES_READ);
  const root = /<testsuites [^>]*>/.exec(head)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  return { passed: count("tests") - count("failures") - count("skipped"), failed: count("failures") };
}

async function textIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** Paths relative to the service folder: where copy and child lie means nothing to who reads the text. */
function readable(text: string, copy: ServiceCopy, { cwd }: Place): string {
  return text.replaceAll(copy.dir + sep, "").replaceAll(relative(cwd, copy.dir) + sep, "");
}
