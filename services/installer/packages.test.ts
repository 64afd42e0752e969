// Packages come in, and nothing of them runs.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { installPackages } from "./packages.js";
import { type Files, programEnv, removeFolders, temporaryFolder, write } from "./rig.js";

afterAll(removeFolders);

const CANARY = "CANARY";

/** `files` may name the canary as `%CANARY%`. */
async function place(files: Files) {
  const root = temporaryFolder();
  const canary = join(root, CANARY);
  const filled = Object.entries(files).map(([path, text]) => [path, text.replaceAll("%CANARY%", canary)]);
  const folder = await write(join(root, "service"), Object.fromEntries(filled));
  const install = () =>
    installPackages({
      folder,
      cacheDir: join(root, "cache"),
      env: programEnv(),
      signal: AbortSignal.timeout(30_000),
    });
  return { root, folder, install, hasRun: () => existsSync(canary) };
}

const json = JSON.stringify;
const SCRIPTS = Object.fromEntries(
  ["preinstall", "install", "postinstall", "prepare", "prepublish"].map((name) => [name, "touch %CANARY%"]),
);

describe("packages (spec §7)", () => {
  test("are installed from a package.json, and change no file that was there", async () => {
    const { folder, install } = await place({
      "package.json": json({ name: "service", dependencies: { inner: "file:./inner" } }),
      "inner/package.json": json({ name: "inner", version: "1.0.0" }),
    });
    expect(await install()).toBe(true);
    expect(existsSync(join(folder, "node_modules/inner/package.json"))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["inner", "node_modules", "package.json"]);
  });

  test("are none without one", async () => {
    const { folder, install } = await place({ "index.ts": "" });
    expect(await install()).toBe(false);
    expect(readdirSync(folder)).toEqual(["index.ts"]);
  });

  test.each<[string, Files]>([
    ["script of the package", { "package.json": json({ name: "service", scripts: SCRIPTS }) }],
    [
      "script of what it depends on, trusted or not",
      {
        "package.json": json({
          name: "service",
          dependencies: { inner: "file:./inner" },
          trustedDependencies: ["inner"],
        }),
        "inner/package.json": json({ name: "inner", version: "1.0.0", scripts: SCRIPTS }),
      },
    ],
    [
      "scanner or preload that its bunfig.toml names",
      {
        "package.json": json({ name: "service", dependencies: { inner: "file:./inner" } }),
        "inner/package.json": json({ name: "inner", version: "1.0.0" }),
        "bunfig.toml": 'preload = ["./run.ts"]\n[install.security]\nscanner = "./run.ts"\n',
        "run.ts":
          'require("fs").writeFileSync("%CANARY%", "");\nexport const scanner = { version: "1", scan: async () => [] };\n',
      },
    ],
  ])("run no %s", async (_what, files) => {
    const { install, hasRun } = await place(files);
    expect(await install()).toBe(true);
    expect(hasRun()).toBe(false);
  });

  test.each<[string, unknown, string]>([
    ["a package.json that is no JSON", "{", "package.json is not JSON"],
    ["a dependency that is not there", { dependencies: { inner: "file:./absent" } }, "bun install failed"],
    [
      "a git dependency over another protocol",
      { dependencies: { inner: "git+file:///srv/inner" } },
      "bun install failed",
    ],
    [
      "a git dependency without encryption",
      { dependencies: { inner: "git+http://127.0.0.1:1/inner.git" } },
      "bun install failed",
    ],
    [
      "a workspace outside of its folder",
      { workspaces: ["../other"] },
      "names a workspace outside of its folder: ../other",
    ],
    [
      "a workspace further down outside",
      { workspaces: { packages: ["a/../../other"] } },
      "names a workspace outside",
    ],
    ["an absolute workspace", { workspaces: ["/srv/other"] }, "names a workspace outside"],
  ])("refuse %s", async (_what, manifest, problem) => {
    const text = typeof manifest === "string" ? manifest : json({ name: "service", ...(manifest as object) });
    const { root, install, hasRun } = await place({ "package.json": text });
    await write(join(root, "other"), {
      "package.json": json({ name: "other", dependencies: { inner: "file:./inner" } }),
    });
    await write(join(root, "other/inner"), { "package.json": json({ name: "inner", version: "1.0.0" }) });
    const refusal = await install().catch((error) => error);
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(refusal.message).toContain(problem);
    expect(hasRun()).toBe(false);
    expect(existsSync(join(root, "other/node_modules"))).toBe(false);
  });
});
