// The child process that imports a copy for a trial: `trial-import.ts <copy> <answer file>`. It writes its answer and is
// gone at once, for what the module has started by then is nobody's.
import { writeFileSync } from "node:fs";
import { createImporter } from "./discover.js";
import { messageOf } from "./errors.js";
import { failureText } from "./imports.js";
import { moduleNameProblem } from "./names.js";
import type { ImportAnswer } from "./trial.js";

/** The parent knows the limit. */
const UNLIMITED_MS = 2 ** 31 - 1;

const [dir = "", answerPath = ""] = process.argv.slice(2);

function answer(said: ImportAnswer): void {
  writeFileSync(answerPath, JSON.stringify(said));
  process.kill(process.pid, "SIGKILL");
}

const fault = (error: unknown) => answer({ problem: `import error: ${failureText(error)}` });
process.on("uncaughtException", fault).on("unhandledRejection", fault);

try {
  const { name } = await createImporter()({ dir }, UNLIMITED_MS);
  const problem = moduleNameProblem(name);
  answer(problem === undefined ? { name } : { problem });
} catch (error) {
  answer({ problem: messageOf(error) });
}
