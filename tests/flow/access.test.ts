// Who may do what: the token, the task's own token, the checks without a token, and where secrets do not appear.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, type Reef, ROOT, startReef, temporaryFolder } from "./reef.js";

const TOKEN = "server-token-7f3a9c51";
const KEY = "sk-ant-provider-key-123456";

let reef: Reef;
beforeAll(async () => {
  reef = await startReef({
    token: TOKEN,
    env: { HOST: "127.0.0.1", REEF_OFFLINE: "1", ANTHROPIC_API_KEY: KEY, OTHER_SECRET: "of-the-server" },
  });
});
afterAll(cleanUp);

async function shellOutput(command: string, taskId: string): Promise<string> {
  await reef.submit({ task: `call bash ${JSON.stringify({ command })}`, taskId });
  const task = await reef.over(taskId);
  expect(task.status).toBe("done");
  return JSON.stringify(task.nodes.find((node) => node.role === "tool_result")?.result);
}

describe("with a token", () => {
  test("every gated path asks for it, with the exact bodies (spec §2.2)", async () => {
    for (const path of ["/reef/state", "/reef/nonsense", "/services", "/store/a"]) {
      const missing = await fetch(reef.url + path);
      expect([missing.status, await missing.text()]).toEqual([
        401,
        '{"error":"Unauthorized — missing Authorization header"}',
      ]);
      const wrong = await fetch(reef.url + path, { headers: { Authorization: "Bearer wrong" } });
      expect([wrong.status, await wrong.text()]).toEqual([401, '{"error":"Unauthorized — invalid token"}']);
      expect(wrong.headers.get("www-authenticate")).toBe("Bearer");
    }
    expect((await fetch(`${reef.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${reef.url}/nonsense`)).text()).toBe('{"error":"not found"}');
  });

  test("a task's shell sees its own token and no provider key nor the server's (spec §1.2)", async () => {
    const shown = await shellOutput("env", "env");
    for (const name of [
      "VERS_INFRA_URL",
      "VERS_AGENT_NAME=env",
      "REEF_TASK_ID=env",
      "REEF_NODE_ID",
      "REEF_SERVICES_DIR",
      "VERS_AUTH_TOKEN",
    ]) {
      expect(shown).toContain(name);
    }
    for (const secret of [TOKEN, KEY, "ANTHROPIC_API_KEY", "OTHER_SECRET", "rt_"])
      expect(shown).not.toContain(secret);
  });

  test("the task's token works while the task runs, within its scopes, and not after (spec §2.4, §13.3)", async () => {
    const file = join(reef.dataDir, "token.txt");
    const call = 'curl -s -o /dev/null -w "%{http_code} " -H "Authorization: Bearer $VERS_AUTH_TOKEN"';
    const shown = await shellOutput(
      `printf %s "$VERS_AUTH_TOKEN" > ${file}; ${call} $VERS_INFRA_URL/reef/state; ${call} -X DELETE $VERS_INFRA_URL/services/store; ${call} -X PUT -d '{"value":1}' $VERS_INFRA_URL/store/mine`,
      "token",
    );
    expect(shown).toContain("200 403 200");
    const token = readFileSync(file, "utf8");
    expect(token).toMatch(/^rt_[\w-]{43}$/);
    const after = await fetch(`${reef.url}/reef/state`, { headers: { Authorization: `Bearer ${token}` } });
    expect([after.status, await after.text()]).toEqual([401, '{"error":"Unauthorized — invalid token"}']);
  });

  test("what a shell of a task does through curl hangs under its call", async () => {
    const command = `curl -s -X POST -H "Authorization: Bearer $VERS_AUTH_TOKEN" -d '{"task":"What is 2+2?","taskId":"from-shell"}' $VERS_INFRA_URL/reef/submit`;
    await shellOutput(command, "shell");
    const child = await reef.over("from-shell");
    const [user] = child.nodes.filter((node) => node.taskId === "from-shell");
    const parent = (await reef.api("GET", `/reef/tree/${user?.parentId}`)).node;
    expect(parent).toMatchObject({ role: "tool_call", taskId: "shell", toolName: "bash" });
    expect(user?.meta?.submittedBy).toBe("task:shell");
  });

  test("a task cannot steer, cancel or answer what is not below it", async () => {
    await reef.submit({ task: "Run `sleep 20`.", taskId: "other" });
    const call = 'curl -s -w " %{http_code};" -H "Authorization: Bearer $VERS_AUTH_TOKEN" -X POST';
    const shown = await shellOutput(
      `${call} -d '{}' $VERS_INFRA_URL/reef/tasks/other/cancel; ${call} -d '{"message":"x"}' $VERS_INFRA_URL/reef/tasks/other/steer; ${call} -d '{"value":"x"}' $VERS_INFRA_URL/reef/tasks/self/answer`,
      "self",
    );
    expect(shown.match(/ 403;/g)).toHaveLength(3);
    await reef.api("POST", "/reef/tasks/other/cancel");
  });

  test("no secret is in a node, a frame, a log line or a file that reef wrote (spec §1.5)", async () => {
    await reef.submit({ task: `Run \`echo ${TOKEN} ${KEY}\`.`, taskId: "leak" });
    const task = await reef.over("leak");
    expect(JSON.stringify(task)).toContain("[redacted:VERS_AUTH_TOKEN]");
    await reef.submit({ task: `Hello ${TOKEN}`, taskId: "leak2" });
    const frames = readStream(`/reef/events?since=0&taskId=leak2`);
    await reef.over("leak2");
    const text = await frames;
    for (const secret of [TOKEN, KEY]) {
      expect(JSON.stringify(await reef.nodes())).not.toContain(secret);
      expect(text).not.toContain(secret);
      expect(reef.output()).not.toContain(secret);
      for (const file of readdirSync(reef.dataDir).filter((name) => name.startsWith("tree.sqlite"))) {
        expect(readFileSync(join(reef.dataDir, file)).includes(secret)).toBe(false);
      }
    }
  });

  test("the provider's key reaches no process of another provider's task", () => {
    const environments = readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => environmentOf(pid))
      .filter((env) => env.includes("REEF_RUN=") && env.includes(reef.dataDir));
    expect(environments.length).toBeGreaterThan(0);
    for (const env of environments) {
      expect(env).not.toContain(KEY);
      expect(env).not.toContain(TOKEN);
    }
  });
});

describe("without a token (spec §1.3, §2.5, §13.1)", () => {
  test("only this machine may call, and no page of another origin", async () => {
    const open = await startReef();
    expect(open.output()).toContain("warning: no VERS_AUTH_TOKEN: listening on 127.0.0.1 only");
    expect((await open.fetch("/health")).status).toBe(200);
    const foreignHost = await open.fetch("/health", { headers: { Host: "evil.example" } });
    expect([foreignHost.status, (await foreignHost.json()).error]).toEqual([403, "Host not allowed"]);
    const foreignOrigin = await open.fetch("/reef/state", { headers: { Origin: "http://evil.example" } });
    expect([foreignOrigin.status, (await foreignOrigin.json()).error]).toEqual([403, "Origin not allowed"]);
    const crossSite = await open.fetch("/reef/submit", {
      method: "POST",
      body: "{}",
      headers: { "Sec-Fetch-Site": "cross-site" },
    });
    expect(crossSite.status).toBe(403);
    await open.stop();
  }, 30_000);

  test("HOST=0.0.0.0 refuses to start and writes nothing", async () => {
    const dataDir = join(temporaryFolder(), "data");
    const { code, err } = await startOnly({ HOST: "0.0.0.0", DATA_DIR: dataDir });
    expect(code).toBe(1);
    expect(err).toBe(
      "reef: HOST=0.0.0.0 needs a token. Set VERS_AUTH_TOKEN or VERS_AUTH_TOKEN_FILE, or use HOST=127.0.0.1.\n",
    );
    expect(() => readdirSync(dataDir)).toThrow();
  });

  test("a wrong setting and a taken port refuse with one line", async () => {
    expect((await startOnly({ PORT: "abc" })).err).toBe(
      'reef: PORT must be an integer from 0 to 65535. Received: "abc"\n',
    );
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const { code, err } = await startOnly({ PORT: String(taken.port) });
    expect(code).toBe(1);
    expect(err.trim().split("\n").at(-1)).toBe(`reef: port ${taken.port} is already in use`);
    await taken.stop(true);
  }, 30_000);
});

async function startOnly(env: Record<string, string>): Promise<{ code: number; err: string }> {
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn([process.execPath, "--no-install", "src/main.ts"], {
    cwd: ROOT,
    env: { PATH, HOME, DATA_DIR: join(temporaryFolder(), "data"), SERVICES_DIR: temporaryFolder(), ...env },
    stdout: "ignore",
    stderr: "pipe",
  });
  const err = await new Response(child.stderr).text();
  return { code: await child.exited, err };
}

async function readStream(path: string): Promise<string> {
  const response = await reef.fetch(path);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('"task_done"')) break;
  }
  return text;
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
}
