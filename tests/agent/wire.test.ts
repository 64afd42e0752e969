// The line to one pi: answers to their commands, events at the listener's pace, and what is no protocol.
import { describe, expect, test } from "bun:test";
import { createWire, type Wire, type WireOptions } from "../../src/agent/wire.js";

interface Line {
  wire: Wire;
  /** What was sent to pi. */
  sent: Record<string, unknown>[];
  say(...values: unknown[]): void;
  sayText(text: string): void;
  end(): void;
  /** How many chunks were taken from the pipe. */
  taken(): number;
}

function connect(options: Partial<WireOptions> = {}): Line {
  const sent: Record<string, unknown>[] = [];
  const chunks: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  let taken = 0;
  const output = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (chunks.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
        const chunk = chunks.shift();
        if (!chunk) return controller.close();
        taken += 1;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  const sayText = (text: string) => {
    chunks.push(new TextEncoder().encode(text));
    wake?.();
  };
  return {
    wire: createWire({ output, write: (line) => sent.push(JSON.parse(line)), ...options }),
    sent,
    sayText,
    say: (...values) => sayText(values.map((value) => `${JSON.stringify(value)}\n`).join("")),
    end() {
      ended = true;
      wake?.();
    },
    taken: () => taken,
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const idOf = (line: Line, at: number) => line.sent[at]?.id;

function answerTo(line: Line, at: number, rest: object): object {
  return { id: idOf(line, at), type: "response", command: line.sent[at]?.type, success: true, ...rest };
}

describe("answers", () => {
  test("reach their own command, in any order (spec pi §3)", async () => {
    const line = connect();
    const first = line.wire.request({ type: "get_state" });
    const second = line.wire.request({ type: "get_messages" });
    line.say(answerTo(line, 1, { data: "second" }), answerTo(line, 0, { data: "first" }));
    expect(await Promise.all([first, second])).toEqual(["first", "second"]);
  });

  test("a refusal rejects with pi's words", async () => {
    const line = connect();
    const refused = line.wire.request({ type: "set_model" });
    line.say(answerTo(line, 0, { success: false, error: "Model not found: a/b" }));
    await expect(refused).rejects.toThrow("Model not found: a/b");
  });

  test("an unknown command is answered without its id, and the oldest of that name gets it", async () => {
    const line = connect();
    const known = line.wire.request({ type: "get_state" });
    const unknown = line.wire.request({ type: "dance" });
    line.say({ type: "response", command: "dance", success: false, error: "Unknown command: dance" });
    await expect(unknown).rejects.toThrow("Unknown command: dance");
    line.say(answerTo(line, 0, { data: 1 }));
    expect(await known).toBe(1);
  });

  test("silence beyond a limit rejects, and says for what", async () => {
    const line = connect();
    await expect(line.wire.request({ type: "get_state" }, 5)).rejects.toThrow(
      "pi did not answer get_state within 0.005 s",
    );
  });

  test("whoever waits when the line is closed is told why, and so is whoever comes later", async () => {
    const line = connect();
    const waiting = line.wire.request({ type: "get_state" });
    line.wire.close(new Error("pi exited with code 3"));
    await expect(waiting).rejects.toThrow("pi exited with code 3");
    await expect(line.wire.request({ type: "abort" })).rejects.toThrow("pi exited with code 3");
  });

  test("commands that wait are limited", async () => {
    const line = connect();
    const waiting = Array.from({ length: 256 }, () =>
      line.wire.request({ type: "get_state" }).catch(() => "closed"),
    );
    await expect(line.wire.request({ type: "get_state" })).rejects.toThrow("pi has 256 commands to answer");
    line.wire.close(new Error("done"));
    await Promise.all(waiting);
  });
});

describe("events", () => {
  test("end with the output, a last line without LF included", async () => {
    const line = connect();
    line.say({ type: "agent_start" });
    line.sayText('{"type":"turn_start"}');
    line.end();
    expect(await Array.fromAsync(line.wire.events())).toEqual([
      { type: "agent_start" },
      { type: "turn_start" },
    ]);
    expect(await line.wire.over).toBeUndefined();
  });

  test("are read only as far ahead as the limit says", async () => {
    const line = connect();
    for (let n = 0; n < 1000; n += 1) line.say({ type: "turn_start" });
    for (let n = 0; n < 2000; n += 1) await turn();
    expect(line.taken()).toBeLessThan(300);
    line.end();
    expect(await Array.fromAsync(line.wire.events())).toHaveLength(1000);
  });

  test("do not keep an answer behind them from whoever waits for it", async () => {
    const line = connect();
    for (let n = 0; n < 1000; n += 1) line.say({ type: "turn_start" });
    const waiting = line.wire.request({ type: "get_state" });
    line.say(answerTo(line, 0, { data: "here" }));
    expect(await waiting).toBe("here");
  });

  test("settled follows agent_end once pi has said that nothing is on", async () => {
    const line = connect();
    const events = line.wire.events()[Symbol.asyncIterator]();
    line.say({ type: "agent_start" }, { type: "agent_end" });
    await events.next();
    await events.next();
    await turn();
    expect(line.sent).toMatchObject([{ type: "get_state" }]);
    line.say(
      answerTo(line, 0, { data: { isStreaming: false, isCompacting: false, pendingMessageCount: 0 } }),
    );
    expect((await events.next()).value).toEqual({ type: "settled" });
    expect(line.wire.busy()).toBe(false);
  });

  test("after drop nothing is handed out, and open dialogs are cancelled (spec pi §17.8)", async () => {
    const line = connect();
    const ask = (id: string, method: string) => ({ type: "extension_ui_request", id, method, title: "?" });
    line.say(ask("1", "confirm"), ask("2", "input"), ask("3", "notify"));
    for await (const event of line.wire.events())
      if (event.type === "extension_ui_request" && event.id === "3") break;
    line.wire.send({ type: "extension_ui_response", id: "1", confirmed: true });
    line.wire.drop();
    line.say({ type: "agent_start" });
    expect(await Array.fromAsync(line.wire.events())).toEqual([]);
    expect(line.sent).toEqual([
      { type: "extension_ui_response", id: "1", confirmed: true },
      { type: "extension_ui_response", id: "2", cancelled: true },
    ]);
  });
});

describe("what is not the protocol", () => {
  test("some lines of it are passed over", async () => {
    const line = connect();
    line.sayText("warming up\n\n\n");
    line.say({ type: "agent_start" });
    line.end();
    expect(await Array.fromAsync(line.wire.events())).toEqual([{ type: "agent_start" }]);
  });

  test("100 lines of it in a row end the line with a reason", async () => {
    const line = connect();
    line.sayText("noise\n".repeat(99));
    line.say({ type: "agent_start" });
    line.sayText("noise\n".repeat(100));
    expect(await line.wire.over).toBe("pi sent 100 lines in a row that are not JSON");
    expect(await Array.fromAsync(line.wire.events())).toEqual([{ type: "agent_start" }]);
  });

  test("a line over the limit ends the line with a reason (spec pi §17.7)", async () => {
    const line = connect({ lineBytesMax: 1000 });
    line.sayText("x".repeat(2000));
    expect(await line.wire.over).toBe("pi sent a line over 1000 bytes");
  });
});

test("whoever waits for the end of a compaction waits no longer than the output", async () => {
  const line = connect();
  line.say({ type: "compaction_start", reason: "threshold" });
  for await (const _event of line.wire.events()) break;
  const quiet = line.wire.notCompacting();
  line.end();
  await quiet;
});

test("a listener that waits for the end of a compaction does not keep it from being read", async () => {
  const line = connect();
  line.say({ type: "compaction_start", reason: "threshold" });
  while (line.wire.phase() !== "compacting") await turn();
  for (let n = 0; n < 1000; n += 1) line.say({ type: "turn_start" });
  line.say({ type: "compaction_end", reason: "threshold", aborted: false, willRetry: false });
  await line.wire.notCompacting();
  expect(line.wire.phase()).toBe("ended");
});
