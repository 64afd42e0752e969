// The file through which pi finds the extensions of the SkillHub: pi does not start when one that it finds by itself
// fails, so this one loads the others and lets none of them do harm.
import { rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { orAbsent, readOwn, writeNew } from "./skills-file.js";

/** pi looks for it. */
const FILE = "index.ts";

/** Names that no extension can have beside it. */
export const TAKEN_NAMES: ReadonlySet<string> = new Set([FILE, "index.js", "package.json"]);

const HEADER =
  "// Written by reef: loads the extensions of the SkillHub. One that fails keeps neither pi nor the others back.\n";

/** Names every extension that is held. A file of that name that somebody else wrote is left as it is. */
export async function keepLoader(folder: string, names: readonly string[]): Promise<void> {
  const path = join(folder, FILE);
  const before = (await readOwn(path))?.toString();
  const text = names.length === 0 ? undefined : loaderFor(names);
  if (before === text || (before !== undefined && !before.startsWith(HEADER))) return;
  if (text === undefined) return void (await orAbsent(unlink(path)));
  const temporary = join(folder, `.${FILE}-${process.pid}-${Date.now()}`);
  await writeNew(temporary, text);
  await rename(temporary, path);
}

function loaderFor(names: readonly string[]): string {
  return `${HEADER}// The import makes pi's own loader read this file, under Bun too, and with it what is loaded here.
import "typebox";

const NAMES: string[] = ${JSON.stringify(names)};

export default async function (pi: unknown): Promise<void> {
  for (const name of NAMES) {
    try {
      const { default: start } = await import(\`./\${name}/\${name}.ts\`);
      await start(pi);
    } catch (error) {
      console.error(\`reef: the extension \${name} of the SkillHub does not load: \${error}\`);
    }
  }
}
`;
}
