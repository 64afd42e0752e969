// The project's habits, checked: how files open, who reads the environment, what the documents list.
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { SETTINGS } from "../src/core/config.js";

const ROOT = resolve(import.meta.dirname, "..");
const LINES_MAX = 400;

/** What a service and its tests may import of the kernel (spec §5.2). */
const CONTRACT = new Set(["types", "errors", "events", "client", "storage", "http", "testing"]);
const CONTRACT_IN_TESTS = new Set([...CONTRACT, "server", "discover"]);

/** Read the environment: the settings, and what runs inside agents. Tests may do as they like. */
const READS_ENVIRONMENT = /^(src\/core\/(config|client|testing)\.ts|src\/extension\/)/;

interface File {
  path: string;
  text: string;
}

const sources = await read("{src,services,examples}/**/*.ts");
const tests = await read("tests/**/*.ts");
const documents = await read(
  "{*.md,*.json,*.toml,LICENSE,.ci/*,.githooks/*,bin/*,bun.lock,{skills,services,examples}/**/*.md}",
);
const everything = [...sources, ...tests, ...documents];

async function read(pattern: string): Promise<File[]> {
  const paths = await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT, dot: true }));
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await Bun.file(resolve(ROOT, path)).text() })),
  );
}

async function document(path: string): Promise<string> {
  return await Bun.file(resolve(ROOT, path)).text();
}

function isTest({ path }: File): boolean {
  return path.endsWith(".test.ts");
}

function pathsOf(files: readonly File[]): string[] {
  return files.map(({ path }) => path);
}

describe("each file", () => {
  test("under src opens with a sentence that says what it is for", () => {
    const openings = sources
      .filter((file) => !isTest(file))
      .map(({ path, text }) => ({ path, opening: openingOf(text) }));
    expect(openings.filter(({ opening }) => !/^\S+( \S+){2,}\s[\s\S]*\.$/.test(opening))).toEqual([]);
  });

  test(`has at most ${LINES_MAX} lines, tests excepted`, () => {
    const long = sources.filter((file) => !isTest(file) && file.text.split("\n").length > LINES_MAX + 1);
    expect(pathsOf(long)).toEqual([]);
  });

  test("leaves the environment to the settings, the client and the extension", () => {
    const readers = sources.filter(
      (file) => !isTest(file) && /\b(process|Bun|import\.meta)\.env\b/.test(file.text),
    );
    expect(pathsOf(readers).filter((path) => !READS_ENVIRONMENT.test(path))).toEqual([]);
  });

  test("swallows no error", () => {
    const swallowing = sources.filter(({ text }) => /catch( *\([^)]*\))? *\{\s*\}/.test(text));
    expect(pathsOf(swallowing)).toEqual([]);
  });

  test("has no note of work left over, and names no package registry", () => {
    const markers = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`);
    const registries = new RegExp(
      ["registry\\.npm" + "js", "npm" + "js\\.(org|com)", "pypi" + "\\.org"].join("|"),
    );
    const found = everything.filter(({ text }) => markers.test(text) || registries.test(text));
    expect(pathsOf(found)).toEqual([]);
  });
});

describe("each service", () => {
  const services = sources.filter(({ path }) => !path.startsWith("src/"));
  const folders = new Set(services.map(({ path }) => /^(?:examples\/)?services\/[^/]+/.exec(path)?.[0]));

  test("has an index.ts with a default export", () => {
    for (const folder of folders) {
      expect(services.find(({ path }) => path === `${folder}/index.ts`)?.text).toMatch(/^export default /m);
    }
  });

  test("imports contract names of the kernel and nothing else of it", () => {
    const foreign = services.flatMap((file) =>
      importsOf(file.text)
        .filter((name) => !isContract(name, isTest(file) ? CONTRACT_IN_TESTS : CONTRACT))
        .map((name) => `${file.path}: ${name}`),
    );
    expect(foreign).toEqual([]);
  });
});

describe("the documents", () => {
  test("the README's table of variables is the table of settings, neither more nor less (spec §1.2)", async () => {
    const rows = tableUnder(await document("README.md"), "Settings");
    const listed = rows.flatMap((row) =>
      Array.from(row[0]?.matchAll(/`([A-Z_]+)`/g) ?? [], ([, name]) => name),
    );
    expect(listed.toSorted()).toEqual(SETTINGS.map(({ name }) => name).toSorted());
  });

  test("the README tells the defaults that the settings have", async () => {
    const rows = tableUnder(await document("README.md"), "Settings");
    const told = rows.map(([name = "", value = ""]) => ({
      name: name.replaceAll("`", ""),
      value: value.replaceAll("`", ""),
    }));
    for (const { name, default: value } of SETTINGS) {
      const row = told.find((one) => one.name === name);
      expect(row).toEqual({ name, value: value.replaceAll("`", "") });
    }
  });

  test("the newest version of the changelog is the package's", async () => {
    const [, newest] = /^## (\d+\.\d+\.\d+)/m.exec(await document("CHANGELOG.md")) ?? [];
    expect(newest).toBe(packageJson.version);
  });

  test("everybody pins the same Bun", async () => {
    const pins = await Promise.all(["README.md", ".ci/run"].map(document));
    const versions = pins.flatMap((text) =>
      Array.from(text.matchAll(/\bbun@(\d+\.\d+\.\d+)/g), ([, version]) => version),
    );
    const [, launched] = /BUN_PINNED = "([\d.]+)"/.exec(await document("bin/reef.mjs")) ?? [];
    expect([...new Set([...versions, launched])]).toEqual([Bun.version]);
  });

  test("the map of the architecture shows every folder of src", async () => {
    const map = await document("ARCHITECTURE.md");
    const folders = new Set(sources.map(({ path }) => /^src\/(\w+)\//.exec(path)?.[1]).filter(Boolean));
    for (const folder of folders) expect(map).toContain(`src/${folder}`);
  });

  test("the architecture names no file that is not there", async () => {
    const map = await document("ARCHITECTURE.md");
    const named = Array.from(
      map.matchAll(/`((?:src|core|tree|agent|tasks|reef)\/[\w/-]+\.ts)`/g),
      ([, path = ""]) => path,
    );
    const paths = new Set(pathsOf(sources));
    const missing = named.filter((path) => !paths.has(path) && !paths.has(`src/${path}`));
    expect(named.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  test("a link to a file of the project leads to one", async () => {
    for (const { path, text } of documents.filter((file) => file.path.endsWith(".md"))) {
      const targets = Array.from(text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), ([, target = ""]) => target);
      for (const target of targets) {
        const exists = await Bun.file(resolve(ROOT, path, "..", target)).exists();
        expect({ path, target, exists }).toEqual({ path, target, exists: true });
      }
    }
  });
});

/** The words of the comment with which a file begins. */
function openingOf(text: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !/^(\/\/|\/\*\*| \*)/.test(line));
  const comment = lines
    .slice(0, end)
    .map((line) => line.replace(/^(\/\/|\/\*\*| \*\/?) ?/, "").replace(/ ?\*\/$/, ""));
  return comment.join("\n").trim();
}

function importsOf(text: string): string[] {
  return Array.from(text.matchAll(/(?:\bfrom|\bimport|\bimport\() ?"([^"]+)"/g), ([, name = ""]) => name);
}

function isContract(name: string, contract: ReadonlySet<string>): boolean {
  const [, file] = /^#core\/(\w+)\.js$/.exec(name) ?? [];
  if (file !== undefined) return contract.has(file);
  return name.startsWith("./") || !/^(#|\.\.|\/)/.test(name);
}

/** The cells of the first table after a heading, without its head. */
function tableUnder(markdown: string, heading: string): string[][] {
  const section = markdown.split(new RegExp(`^#+ ${heading}$`, "m"))[1] ?? "";
  const lines = section.split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const end = lines.findIndex((line, index) => index > first && !line.startsWith("|"));
  const rows = lines.slice(first + 2, end < 0 ? undefined : end);
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
