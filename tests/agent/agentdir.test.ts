// pi's private folder: what is in it after a start, whatever was in it before.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AgentDirOptions, writeAgentDir } from "../../src/agent/agentdir.js";
import { cleanUp, filesIn, tempDir } from "./support.js";

afterEach(cleanUp);

function write(options: Partial<AgentDirOptions> = {}) {
  const dir = writeAgentDir({ dataDir: tempDir(), ...options });
  const read = (name: string) => JSON.parse(readFileSync(join(dir, name), "utf8"));
  return { dir, settings: read("settings.json"), providers: read("models.json").providers };
}

function operatorDir(files: Record<string, string>): string {
  const dir = tempDir();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

describe("pi's folder", () => {
  test("is private, and holds settings and an empty list of models", () => {
    const { dir, settings, providers } = write();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(filesIn(dir).sort()).toEqual(["models.json", "settings.json"]);
    expect(statSync(join(dir, "models.json")).mode & 0o777).toBe(0o600);
    expect(settings).toMatchObject({ retry: { enabled: true }, compaction: { enabled: true } });
    expect(providers).toEqual({});
  });

  test("is written anew: what a pi has left in it means nothing (spec pi §17.3)", () => {
    const dataDir = tempDir();
    const dir = join(dataDir, "pi");
    mkdirSync(join(dir, "settings.json.lock"), { recursive: true, mode: 0o755 });
    writeFileSync(join(dir, "settings.json"), '{"defaultModel":"other","shellCommandPrefix":"x"}');
    writeFileSync(join(dir, "auth.json"), '{"anthropic":{"type":"api_key","key":"old"}}');
    write({ dataDir });
    expect(filesIn(dir).sort()).toEqual(["models.json", "settings.json"]);
    expect(readFileSync(join(dir, "settings.json"), "utf8")).not.toContain("other");
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  test("has the offline model when it is served (spec pi §9)", () => {
    const { providers } = write({ offlineUrl: "http://127.0.0.1:5" });
    expect(providers.offline).toMatchObject({ baseUrl: "http://127.0.0.1:5", api: "anthropic-messages" });
    expect(providers.offline.models).toMatchObject([
      { id: "scripted", reasoning: true, contextWindow: 2_000_000 },
    ]);
  });

  test("redirects the built-in provider with ANTHROPIC_BASE_URL alone", () => {
    const { providers } = write({ anthropicBaseUrl: "http://proxy" });
    expect(providers).toEqual({ anthropic: { baseUrl: "http://proxy" } });
  });

  test("merges the operator's models, the redirect and REEF_MODELS_FILE, later ones first", () => {
    const operator = operatorDir({
      "models.json":
        '{ // mine\n "providers": {"ollama": {"baseUrl": "a", "api": "x"}, "anthropic": {"apiKey": "K"},} }',
    });
    const models = { providers: { ollama: { baseUrl: "b" }, gateway: { baseUrl: "c" } } };
    const { providers } = write({ operatorDir: operator, anthropicBaseUrl: "http://proxy", models });
    expect(providers).toEqual({
      ollama: { baseUrl: "b", api: "x" },
      anthropic: { apiKey: "K", baseUrl: "http://proxy" },
      gateway: { baseUrl: "c" },
    });
  });

  test("links the operator's keys, so that a renewed token reaches him", () => {
    const operator = operatorDir({ "auth.json": "{}" });
    const { dir, providers } = write({ operatorDir: operator });
    expect(readlinkSync(join(dir, "auth.json"))).toBe(join(operator, "auth.json"));
    expect(providers).toEqual({});
  });

  test("an operator's models.json that is none stops the start and is named", () => {
    for (const text of ["{ nope", "[]", '{"providers":[1]}', '{"providers":{"a":1}}']) {
      const operator = operatorDir({ "models.json": text });
      expect(() => write({ operatorDir: operator })).toThrow(
        `${operator}/models.json is not a pi models.json:`,
      );
    }
  });
});
