// Where the process of a service works: a folder of its own with a link `data` to DATA_DIR, and for the moment in which
// it connects, a socket.
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** A socket's path has to fit into 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const SOCKET_PATH_BYTES_MAX = 103;

export interface Place {
  readonly dir: string;
  /** Calls `work` with a path for a socket that is free and short enough; nothing is left at it afterwards. */
  withSocketPath<T>(work: (path: string) => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

/** Removes what an earlier life of the server has left. The links in there are removed, not followed. */
export async function clearPlaces(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
}

/** `name` is one that nobody else has. */
export async function openPlace(root: string, name: string, dataDir: string): Promise<Place> {
  const dir = join(root, basename(name));
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { mode: 0o700 });
  await symlink(dataDir, join(dir, "data"));
  return {
    dir,
    async withSocketPath(work) {
      const isShort = Buffer.byteLength(join(dir, "socket")) <= SOCKET_PATH_BYTES_MAX;
      const folder = isShort ? dir : await mkdtemp(join(tmpdir(), "reef-"));
      const path = join(folder, "socket");
      try {
        return await work(path);
      } finally {
        await rm(isShort ? path : folder, { recursive: true, force: true });
      }
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
