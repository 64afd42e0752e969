// What the tests of the kernel's HTTP side share: a server around modules given as objects, and requests to it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type ReefServer, type ServerOptions } from "../../src/core/server.js";
import { type Heard, listener } from "./modules.js";

export const TOKEN = "server-token";

export interface TestServer extends ReefServer, Pick<Heard, "lines"> {
  /** With the server token unless `headers` say otherwise. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  end(): Promise<void>;
}

/** `config: {token: undefined}` is a server without a token. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "reef-server-"));
  const heard = listener();
  const server = await createServer({
    modules: options.servicesDir ? undefined : [],
    log: () => heard.log,
    ...options,
    config: {
      token: TOKEN,
      dataDir: join(folder, "data"),
      servicesDir: join(folder, "services"),
      ...options.config,
    },
  });
  return Object.assign(server, {
    lines: heard.lines,
    async ask(path: string, init: RequestInit = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${TOKEN}`);
      return server.app.request(path, { ...init, headers });
    },
    async end() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Status, body text and the code that reef puts in a header. */
export async function shown(response: Response | Promise<Response>): Promise<unknown[]> {
  const { status, headers } = await response;
  return [status, await (await response).text(), headers.get("X-Reef-Error")];
}
