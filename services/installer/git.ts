// One commit of a repository as a plain folder: shallow, over the allowed protocols, and without hooks, submodules or
// prompts.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";
import { type Ended, run } from "./command.js";

const MESSAGE_CHARS_MAX = 500;

export interface GitSource {
  /** A URL, `git@host:path`, or an absolute path. */
  url: string;
  /** Default: what the repository shows by itself. */
  ref?: string;
}

export interface GitPlace {
  /** Is made. */
  into: string;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** Resolves to the commit. Rejects `bad_request` with what git says. */
export async function fetchCommit(source: GitSource, { into, env, signal }: GitPlace): Promise<string> {
  await mkdir(into, { recursive: true });
  const command = { cwd: into, env: { ...env, ...gitEnvironment(source.url) }, signal };
  let ended: Ended = { code: 0, output: "" };
  for (const argv of gitCommands(source)) {
    ended = await run({ ...command, argv });
    if (ended.code !== 0) throw refused(source, ended.output);
  }
  await rm(join(into, ".git"), { recursive: true, force: true });
  return ended.output.trim();
}

/** In this order, each in the new folder. The last one prints the commit. */
export function gitCommands({ url, ref = "HEAD" }: GitSource): string[][] {
  const shallow = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"];
  return [
    ["git", "init", "--quiet", "--template="],
    ["git", "fetch", ...shallow, "--", url, ref],
    ["git", "checkout", "--quiet", "--detach", "--no-recurse-submodules", "FETCH_HEAD", "--"],
    ["git", "rev-parse", "HEAD"],
  ];
}

/** For every program that may call git, a package manager included. A path is a repository on this machine. */
export function gitEnvironment(url = ""): Record<string, string> {
  const settings = Object.entries(SETTINGS);
  return {
    GIT_ALLOW_PROTOCOL: url.startsWith("/") ? "file" : "https:ssh",
    GIT_TERMINAL_PROMPT: "0",
    // Empty, and yet set: no program is asked for a password, the user's own one included.
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
    // A shared connection would outlive the command.
    GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ControlMaster=no -o ControlPath=none",
    GIT_LFS_SKIP_SMUDGE: "1",
    LC_ALL: "C",
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  };
}

/** Stand before whatever the user's own files say. */
const SETTINGS = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.autocrlf": "false",
  "submodule.recurse": "false",
  "fetch.recurseSubmodules": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
};

function refused({ url, ref }: GitSource, output: string): ReefError {
  const [first = ""] = output.trim().split("\n\n");
  const said = first.replaceAll("\n", " ").slice(0, MESSAGE_CHARS_MAX) || "git failed";
  return new ReefError("bad_request", `Cannot fetch ${url}${ref === undefined ? "" : ` at ${ref}`}: ${said}`);
}
