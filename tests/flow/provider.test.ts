// With a provider's key the provider is asked and the offline model is not there; pi gets that provider's key alone.
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startOfflineModel } from "../../src/offline/server.js";
import { cleanUp, processesWith, startReef } from "./reef.js";

afterAll(cleanUp);

const KEY = "sk-ant-test-0123456789";

test("ANTHROPIC_API_KEY makes anthropic the default, and start-up does not name the offline model (spec §1.2)", async () => {
  const provider = startOfflineModel();
  const env = {
    ANTHROPIC_API_KEY: KEY,
    ANTHROPIC_BASE_URL: provider.url,
    OPENAI_API_KEY: "sk-openai-9876543210",
  };
  const reef = await startReef({ env });
  expect(reef.output()).not.toContain("offline");
  expect(readFileSync(join(reef.dataDir, "pi/models.json"), "utf8")).not.toContain("offline");

  await reef.submit({ task: "What is 2+2?", taskId: "real" });
  const running = await reef.until("real", (nodes) => nodes.some((node) => node.role === "assistant"));
  expect(running.nodes.find((node) => node.role === "assistant")?.meta).toMatchObject({
    provider: "anthropic",
  });
  expect((await reef.over("real")).status).toBe("done");
  expect(provider.count()).toBeGreaterThan(0);

  const environments = processesWith("REEF_RUN=")
    .map((pid) => environmentOf(pid))
    .filter((text) => text.includes(reef.dataDir));
  expect(environments.length).toBeGreaterThan(0);
  for (const text of environments) {
    expect(text).toContain(KEY);
    expect(text).not.toContain("OPENAI_API_KEY");
  }
  await reef.stop();
  await provider.stop();
}, 30_000);

test("without a key and with REEF_OFFLINE=0 tasks fail with the provider's own message", async () => {
  const reef = await startReef({ env: { REEF_OFFLINE: "0" } });
  expect(reef.output()).not.toContain("model: offline");
  await reef.submit({ task: "What is 2+2?", taskId: "keyless" });
  const task = await reef.over("keyless");
  expect(task.status).toBe("error");
  expect(task.artifacts?.error).toMatch(/api key/i);
  await reef.stop();
}, 30_000);

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
}
