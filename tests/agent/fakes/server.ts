// A server in a process of its own, to be killed: it runs one task with the real pi until then.
import { join } from "node:path";
import { writeAgentDir } from "../../../src/agent/agentdir.js";
import { createPool } from "../../../src/agent/pool.js";
import { startRun } from "../../../src/agent/run.js";

const [dataDir = "", offlineUrl = "", mark = "", serverId = ""] = process.argv.slice(2);
const cli = join(import.meta.dirname, "../../../node_modules/@mariozechner/pi-coding-agent/dist/cli.js");
const agentDir = writeAgentDir({ dataDir, offlineUrl });
const pool = createPool({
  binary: {
    command: () => ({
      argv: [process.execPath, "--no-install", "--no-env-file", "--config=/dev/null", cli],
      kind: "script",
    }),
    status: () => ({ ok: true }),
    version: () => Promise.resolve(null),
  },
  model: { provider: "offline", id: "scripted", thinking: "off" },
  warm: 0,
  env: () => ({
    PATH: process.env.PATH ?? "",
    HOME: dataDir,
    PI_CODING_AGENT_DIR: agentDir,
    PI_OFFLINE: "1",
  }),
  runDir: join(dataDir, "run"),
  serverId,
});
const header = { type: "session", version: 3, id: "one", timestamp: new Date().toISOString(), cwd: dataDir };
const run = await startRun({
  pool,
  provider: "offline",
  modelId: "scripted",
  session: `${JSON.stringify(header)}\n`,
  prompt: `bash: sleep ${mark} & setsid sleep ${mark} & wait`,
});
for await (const event of run.events()) if (event.type === "settled") break;
