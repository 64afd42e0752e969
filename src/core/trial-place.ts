// Where a trial's child process lives: folders of its own, an environment without keys and tokens, and nothing of either
// left when it is over.
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "./config.js";
import { diskError } from "./disk.js";
import type { Log } from "./types.js";

/** What the operator passes to tasks by name may be a secret too. */
const SECRET = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$/i;

export interface Place {
  root: string;
  /** The parent of a folder `data` that is linked to `DATA_DIR`, for services that write to a relative path. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** `NAME=value`: the variable in `env` by which everything that was started here can be told. */
  tag: string;
}

export interface Places {
  /** The place is removed when `work` has settled. Rejects `insufficient_storage` when the disk has none. */
  use<T>(work: (place: Place) => Promise<T>): Promise<T>;
}

export function createPlaces(config: Config, log: Log): Places {
  let opening: Promise<string> | undefined;

  async function take(): Promise<Place> {
    opening ??= open(config.dataDir);
    try {
      return await makePlace(await opening, config);
    } catch (error) {
      opening = undefined;
      throw diskError(error) ?? error;
    }
  }

  return {
    async use(work) {
      const place = await take();
      try {
        return await work(place);
      } finally {
        await rm(place.root, { recursive: true, force: true }).catch((error) =>
          log.warn("files of a trial stay until the next start:", error),
        );
      }
    },
  };
}

/** What a killed reef has left goes first. */
async function open(dataDir: string): Promise<string> {
  const dir = join(dataDir, "trials");
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  return dir;
}

async function makePlace(dir: string, config: Config): Promise<Place> {
  const root = await mkdtemp(join(dir, "trial-"));
  const [dataDir, cwd, temporary] = [join(root, "store"), join(root, "work"), join(root, "tmp")];
  for (const folder of [dataDir, cwd, temporary]) await mkdir(folder);
  await symlink(dataDir, join(cwd, "data"));
  const { variable, tag } = await newTag(config.dataDir);
  const own = { DATA_DIR: dataDir, TMPDIR: temporary, ...variable, ...PLAIN };
  return { root, cwd, env: { ...withoutSecrets(config), ...own }, tag };
}

/** As the runs of tasks are tagged: the next start ends what a killed reef has left running. */
const TAG_VARIABLE = "REEF_RUN";

/** No colours in what is printed, and no transpiled files in the user's home. */
const PLAIN = { NO_COLOR: "1", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" };

/** A variable that only one child and what it starts have, and how it reads in a list of variables. */
export async function newTag(dataDir: string): Promise<{ variable: Record<string, string>; tag: string }> {
  const run = `${await serverId(dataDir)}.${randomUUID()}`;
  return { variable: { [TAG_VARIABLE]: run }, tag: `${TAG_VARIABLE}=${run}` };
}

async function serverId(dataDir: string): Promise<string> {
  try {
    return (await readFile(join(dataDir, "server-id"), "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "trial";
    throw error;
  }
}

/** The environment of a child that holds no key and no token. */
export function withoutSecrets({ baseEnv, providerKeys }: Config): Record<string, string> {
  return Object.fromEntries(
    Object.entries(baseEnv).filter(([name]) => !(name in providerKeys) && !SECRET.test(name)),
  );
}
