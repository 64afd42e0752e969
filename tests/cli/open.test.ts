// `reef open`: what it asks for, what it prints, and when a browser is started.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browse } from "../../src/cli/browse.js";
import { commandLineEnvironment } from "../../src/core/client.js";
import { fakeServer, type RunOptions, reef } from "./support.js";

const link = { url: "http://reef.example/ui/login?token=abc", expiresAt: "2030-01-01T12:05:00.000Z" };
const server = () => fakeServer({ "POST /auth/magic-link": () => link });

async function opened(argv: readonly string[], options: RunOptions & { found?: boolean } = {}) {
  await using at = server();
  const urls: string[] = [];
  const { found = true, ...rest } = options;
  const seen = (url: string) => {
    urls.push(url);
    return found;
  };
  const ran = await reef(at.url, ["open", ...argv], { browse: seen, ...rest });
  return { ...ran, urls, requests: at.requests };
}

describe("open (spec §13.1)", () => {
  test("prints the link alone to stdout, and until when it works to stderr", async () => {
    const { code, out, err, requests } = await opened([], { token: "server-token" });
    expect([code, out]).toEqual([0, `${link.url}\n`]);
    expect(err).toMatch(/^The link works once, until .+\.\n$/);
    const [request] = requests;
    expect([request?.method, request?.path, request?.headers.get("authorization")]).toEqual([
      "POST",
      "/auth/magic-link",
      "Bearer server-token",
    ]);
  });

  test("opens it where a person sits at the other end, and nowhere else", async () => {
    expect((await opened([], { columns: 80 })).urls).toEqual([link.url]);
    expect((await opened(["--print"], { columns: 80 })).urls).toEqual([]);
    expect((await opened(["--json"], { columns: 80 })).urls).toEqual([]);
    expect((await opened([])).urls).toEqual([]);
    const withoutDesktop = await opened([], { columns: 80, browse: undefined });
    expect([withoutDesktop.code, withoutDesktop.out]).toEqual([0, `${link.url}\n`]);
  });

  test("says so when no browser could be started", async () => {
    const { code, err } = await opened([], { columns: 80, found: false });
    expect(code).toBe(0);
    expect(err).toEndWith("No browser could be started: open it yourself.\n");
  });

  test("--json is the server's answer", async () => {
    expect(JSON.parse((await opened(["--json"])).out)).toEqual(link);
  });

  test("a refusal is one line and exit code 1", async () => {
    await using at = fakeServer({
      "POST /auth/magic-link": () => Response.json({ error: "Unauthorized" }, { status: 401 }),
    });
    expect(await reef(at.url, ["open"])).toEqual({
      code: 1,
      out: "",
      err: "reef: Unauthorized (set VERS_AUTH_TOKEN or pass --token-file)\n",
    });
  });
});

describe("a browser", () => {
  test("gets the address as one argument, whatever it holds", async () => {
    const dir = mkdtempSync(join(tmpdir(), "reef-browse-"));
    try {
      const program = join(dir, "browser");
      writeFileSync(
        program,
        `#!/bin/sh\nprintf '%s|' "$#" "$@" > "${dir}/got.part" && mv "${dir}/got.part" "${dir}/got"\n`,
      );
      chmodSync(program, 0o755);
      const url = "http://127.0.0.1/ui/login?token=$(touch x)&a=b c";
      expect(browse(url, [program])).toBe(true);
      const got = join(dir, "got");
      for (let tries = 0; tries < 500 && !existsSync(got); tries++) await Bun.sleep(10);
      expect(readFileSync(got, "utf8")).toBe(`1|${url}|`);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("that is not there is no failure", () => {
    expect(browse("http://x", ["no-such-browser-anywhere"])).toBe(false);
    expect(browse("http://x", [])).toBe(false);
  });

  test.skipIf(process.platform !== "linux")("is of use where a display is, but not over SSH", () => {
    const desktop = (env: Record<string, string>) => commandLineEnvironment(env).desktop;
    expect(desktop({})).toBe(false);
    expect(desktop({ DISPLAY: ":0" })).toBe(true);
    expect(desktop({ WAYLAND_DISPLAY: "wayland-0" })).toBe(true);
    expect(desktop({ DISPLAY: ":0", SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" })).toBe(false);
  });
});
