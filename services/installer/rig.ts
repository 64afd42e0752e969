// What the tests of the installer share: folders that go away, repositories, archives, and a server around the installer.
import { mkdtempSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Header, type HeaderData } from "tar";
import type { Caller, Config, ServiceContext, ServiceModule } from "#core/types.js";
import installer from "./index.js";

export type Files = Record<string, string>;

const TOKEN = "test-token";
const folders = new Set<string>();

/** For `afterAll`. */
export async function removeFolders(): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reef-installer-"));
  folders.add(folder);
  return folder;
}

/** What programs get: of this machine where they are, and a home without anybody's settings. */
export function programEnv(home = temporaryFolder()): Record<string, string> {
  return { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: home };
}

/** Writes files below a folder; parents are made. */
export async function write(folder: string, files: Files): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** `index.ts` of a service that says something at `GET /<name>`; `fields` go into the module as they are. */
export function service(name: string, says = name, fields = ""): string {
  return `import { Hono } from "hono";
export default { name: "${name}", routes: new Hono().get("/", (c) => c.text(${JSON.stringify(says)})), ${fields} };
`;
}

/** All that is in a folder, with the links and what files hold. */
export async function snapshot(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  const shown = paths.map(async ({ entry, path }) => [
    path,
    entry.isFile() ? await Bun.file(path).text() : "",
  ]);
  return Object.fromEntries(await Promise.all(shown));
}

export async function git(cwd: string, ...args: string[]): Promise<string> {
  const name = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
  const child = Bun.spawn(["git", ...name, ...args], {
    cwd,
    env: programEnv(cwd),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all(
    [child.stdout, child.stderr].map((output) => new Response(output).text()),
  );
  if ((await child.exited) !== 0) throw new Error(`git ${args.join(" ")}: ${err}`);
  return out?.trim() ?? "";
}

export interface Repository {
  /** With a working tree. */
  dir: string;
  /** Its bare copy, which each commit goes to. */
  bare: string;
  /** Resolves to the commit. */
  commit(files: Files): Promise<string>;
}

/** `name` is the bare copy's, `.git` included. */
export async function repository(name: string, files: Files): Promise<Repository> {
  const folder = temporaryFolder();
  const [dir, bare] = [join(folder, "work"), join(folder, name)];
  await mkdir(dir);
  await git(dir, "init", "--quiet");
  await git(folder, "init", "--quiet", "--bare", bare);
  await git(dir, "remote", "add", "origin", bare);
  const commit = async (changed: Files) => {
    await write(dir, changed);
    await git(dir, "add", "--all");
    await git(dir, "commit", "--quiet", "--message", "a change");
    await git(dir, "push", "--quiet", "origin", "HEAD:main");
    return git(dir, "rev-parse", "HEAD");
  };
  await commit(files);
  return { dir, bare, commit };
}

/** One entry of a tar, whatever it says. */
export function tarEntry(header: HeaderData, content: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.from(content);
  const block = Buffer.alloc(512);
  new Header({ mode: 0o644, mtime: new Date(0), size: bytes.length, type: "File", ...header }).encode(block);
  return Buffer.concat([block, bytes, Buffer.alloc(-bytes.length & 511)]);
}

/** A packed tar with an end. */
export function archive(...entries: Buffer[]): Uint8Array<ArrayBuffer> {
  return Bun.gzipSync(new Uint8Array(Buffer.concat([...entries, Buffer.alloc(1024)])));
}

/** The parts of a server that the tests need; `createServer` makes it, which tests alone may import. */
interface Started {
  app: { fetch(request: Request): Response | Promise<Response> };
  registry: ServiceContext["registry"];
  close(): Promise<void>;
}
type Start<S> = (options: {
  modules: ServiceModule[];
  servicesDir: string;
  config: Partial<Config>;
  record(event: Record<string, unknown>): Promise<null>;
  resolveToken?: (token: string) => Caller | undefined;
}) => Promise<S>;

export interface Rig<S> {
  server: S;
  folder: string;
  servicesDir: string;
  dataDir: string;
  /** What the tree was given, oldest first. */
  recorded: Record<string, unknown>[];
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; data: any }>;
  send(path: string, init?: RequestInit): Promise<Response>;
  /** What a service says. */
  said(name: string): Promise<string>;
  /** The services folder and what is installed, as one value. */
  state(): Promise<object>;
}

export interface RigOptions {
  config?: Partial<Config>;
  modules?: ServiceModule[];
  /** Instead of new ones: an earlier life's. */
  folder?: string;
  record?(event: Record<string, unknown>): Promise<null>;
  /** Of tasks. */
  resolveToken?: (token: string) => Caller | undefined;
}

/** A server with the installer, bound to loopback as far as that knows. */
export async function startRig<S extends Started>(
  start: Start<S>,
  options: RigOptions = {},
): Promise<Rig<S>> {
  const folder = options.folder ?? temporaryFolder();
  const [servicesDir, dataDir] = [join(folder, "services"), join(folder, "data")];
  for (const dir of [servicesDir, dataDir]) await mkdir(dir, { recursive: true });
  const recorded: Record<string, unknown>[] = [];
  const record = async (event: Record<string, unknown>) => {
    recorded.push(event);
    return null;
  };
  const server = await start({
    modules: [installer, ...(options.modules ?? [])],
    servicesDir,
    config: {
      dataDir,
      token: TOKEN,
      host: "127.0.0.1",
      log: "error",
      baseEnv: programEnv(folder),
      ...options.config,
    },
    record: options.record ?? record,
    resolveToken: options.resolveToken,
  });
  const send = async (path: string, init: RequestInit = {}) => {
    const headers = { Authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) };
    return server.app.fetch(new Request(`http://localhost${path}`, { ...init, headers }));
  };
  return {
    server,
    folder,
    servicesDir,
    dataDir,
    recorded,
    send,
    async ask(method, path, body) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const response = await send(`/installer${path}`, {
        method,
        ...(body === undefined ? {} : { body: text }),
      });
      return { status: response.status, data: await response.json() };
    },
    said: async (name) => (await send(`/${name}`)).text(),
    async state() {
      const live = server.registry.list().map(({ name, dir, hash }) => ({ name, dir, hash }));
      return { files: await snapshot(servicesDir), live, problems: server.registry.problems() };
    },
  };
}
