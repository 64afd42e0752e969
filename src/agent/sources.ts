// What a compiled pi is made of: pi's package, reef's entry, and the key that changes whenever one of them does.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export const BUILD_FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  // Without these two the binary takes .env and bunfig.toml of the working directory as its own.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const PI_PACKAGE = "@mariozechner/pi-coding-agent";

export interface Sources {
  /** reef's package folder. */
  root: string;
  /** Compiled into the binary. */
  entry: string;
  /** Loaded by a pi that has no extension inside. */
  extension: string;
  pi: { dir: string; version: string; cli: string } | undefined;
}

export function sourcesOf(root: string): Sources {
  const extension = join(root, "src/extension/index.ts");
  const dir = piDirOf(root);
  const version = dir && (JSON.parse(readFileSync(join(dir, "package.json"), "utf8")).version as string);
  const pi = dir && version ? { dir, version, cli: join(dir, "dist/cli.js") } : undefined;
  return { root, extension, entry: join(root, "src/extension/pi.ts"), pi };
}

/** Equal keys mean interchangeable binaries. */
export function keyOf(sources: Sources): string {
  const hash = createHash("sha256");
  hash.update([sources.pi?.version, Bun.version, process.platform, process.arch, ...BUILD_FLAGS].join("\n"));
  for (const file of filesBehind(sources.entry)) {
    hash.update(`\n${relative(sources.root, file)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 32);
}

/** pi's package folder, wherever the installer put it. */
function piDirOf(root: string): string | undefined {
  try {
    return dirname(dirname(Bun.resolveSync(PI_PACKAGE, root)));
  } catch {
    // Not installed: whoever starts pi is told so.
    return undefined;
  }
}

/** The entry and every file of reef that it imports, directly or through others. */
function filesBehind(entry: string): string[] {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const files = new Set([entry]);
  for (const file of files) {
    for (const path of importsOf(readFileSync(file, "utf8"), transpiler)) {
      const source = resolve(dirname(file), path.replace(/\.js$/, ".ts"));
      if (path.startsWith(".") && existsSync(source)) files.add(source);
    }
  }
  return [...files].toSorted();
}

function importsOf(source: string, transpiler: Bun.Transpiler): string[] {
  try {
    return transpiler.scanImports(source).map(({ path }) => path);
  } catch {
    // It does not parse: the build will say where.
    return [];
  }
}
