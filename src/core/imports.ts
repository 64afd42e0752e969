// Reads what a staged copy imports before anybody has to wait for it: a file that does not parse, or that reaches into
// the kernel's inside, is refused while the old version still serves.
import { readFile } from "node:fs/promises";
import { dirname, extname, join, normalize } from "node:path";
import { messageOf, ReefError } from "./errors.js";
import type { StagedCopy } from "./stage.js";

const PUBLIC_CORE = ["types", "errors", "events", "client", "storage", "http", "testing"];
const LOADERS: Record<string, "ts" | "tsx" | "js" | "jsx"> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
};

/** Follows the relative imports from `index.ts` on. Throws `bad_request` with the problem's text. */
export async function scanImports(copy: StagedCopy): Promise<void> {
  const files = new Set(copy.files);
  const queue = new Set(["index.ts"]);
  for (const file of queue) {
    for (const specifier of await importsOf(copy, file)) {
      checkKernelImport(file, specifier);
      const next = specifier.startsWith(".") ? found(join(dirname(file), specifier), files) : undefined;
      if (next) queue.add(next);
    }
  }
}

async function importsOf(copy: StagedCopy, file: string): Promise<string[]> {
  const loader = LOADERS[extname(file)];
  if (!loader) return [];
  try {
    const text = await readFile(join(copy.dir, file), "utf8");
    return new Bun.Transpiler({ loader }).scanImports(text).map(({ path }) => path);
  } catch (error) {
    const text = `import error: ${failureText(error, file)}`;
    throw new ReefError("bad_request", text, {}, { cause: error });
  }
}

/** The first thing that is wrong and, when Bun says it, where: `store.ts:3:14: Unexpected ;`. */
export function failureText(error: unknown, file?: string): string {
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const place = placeOf(first);
  return place
    ? `${file ?? place.file}:${place.line}:${place.column}: ${messageOf(first)}`
    : messageOf(first);
}

function placeOf(error: unknown): { file: string; line: number; column: number } | undefined {
  const place =
    typeof error === "object" && error !== null && "position" in error ? error.position : undefined;
  return typeof place === "object" ? ((place ?? undefined) as ReturnType<typeof placeOf>) : undefined;
}

function checkKernelImport(file: string, specifier: string): void {
  const inside = kernelPath(file, specifier);
  if (inside === undefined) return;
  const name = /^core\/([a-z]+)(\.[jt]s)?$/.exec(inside)?.[1];
  if (name && PUBLIC_CORE.includes(name)) return;
  const allowed = PUBLIC_CORE.join(", ");
  throw new ReefError(
    "bad_request",
    `import error: ${file} imports "${specifier}", but of reef a service may import only core's ${allowed}`,
  );
}

/** The part after `src/` when a specifier leads into reef's `src`, which lies two folders above the copy's own. */
function kernelPath(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#core/")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  const path = normalize(join(dirname(file), specifier));
  return path.startsWith("../../src/") ? path.slice("../../src/".length) : undefined;
}

/** A specifier may name a `.ts` file as `.js`, without extension, or as its folder. */
function found(path: string, files: ReadonlySet<string>): string | undefined {
  const bare = path.replace(/\.[mc]?jsx?$/, "");
  const endings = Object.keys(LOADERS).flatMap((ending) => [
    bare + ending,
    path + ending,
    join(path, `index${ending}`),
  ]);
  return [path, ...endings].find((candidate) => files.has(candidate));
}
