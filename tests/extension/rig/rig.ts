// A pi, a model and a server that know each other; everything ends with its test.
import { afterEach, setDefaultTimeout } from "bun:test";
import { CONTROL, MARKERS } from "./handover.js";
import { type RecordedModel, type Script, startModel } from "./model.js";
import { type PiOptions, startPi, type TestPi } from "./pi.js";
import { startServer, type TestServer, type TestTool } from "./server.js";

export interface Rig {
  pi: TestPi;
  model: RecordedModel;
  server: TestServer;
}

export interface RigOptions extends Omit<PiOptions, "modelUrl"> {
  /** True for a pi that reef did not start. */
  elsewhere?: boolean;
}

/** A compiled pi may have to be built first, on a machine that does other things. */
const TEST_LIMIT_MS = 60_000;

/** To be called once in a test file; returns what starts a rig in a test. */
export function rigs(): (
  script: Script,
  tools?: Record<string, TestTool>,
  options?: RigOptions,
) => Promise<Rig> {
  const undo: (() => unknown)[] = [];
  setDefaultTimeout(TEST_LIMIT_MS);
  afterEach(async () => {
    for (const act of undo.splice(0).reverse()) await act();
  });
  return async (script, tools = {}, { elsewhere = false, env, ...options } = {}) => {
    const model = startModel(script);
    const server = startServer(tools);
    undo.push(model.stop, server.stop);
    const identity = {
      VERS_INFRA_URL: server.url,
      VERS_AUTH_TOKEN: "rt_secret",
      ...(!elsewhere && { REEF_CONTROL: CONTROL }),
    };
    const args = elsewhere ? [] : MARKERS;
    const pi = await startPi({ modelUrl: model.url, args, ...options, env: { ...identity, ...env } });
    undo.push(pi.stop);
    return { pi, model, server };
  };
}
