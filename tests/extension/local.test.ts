// Modules run inside pi itself: `createExtension(modules)` (spec §5.6).
import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { calls, offered, text } from "./rig/model.js";
import type { Runtime } from "./rig/pi.js";
import { rigs } from "./rig/rig.js";

const rig = rigs();
const extension = fileURLToPath(import.meta.resolve("./rig/modules.ts"));
const RUNTIMES: Runtime[] = ["bun", "node"];

describe.each(RUNTIMES)("under %s", (runtime) => {
  test("their tools run here, their failures fail, and no server is asked", async () => {
    const { pi, model, server } = await rig(
      (_request, n) =>
        n === 0 ? calls(["a", "note", { text: "this" }], ["b", "note", { text: "bad" }]) : text("done"),
      {},
      { runtime, extension, elsewhere: true },
    );
    await pi.request({ type: "new_session" });
    const lines = await pi.prompt("Go");
    expect(offered(model.requests[0])).toEqual(["bash", "edit", "note", "read", "write"]);
    const results = model.requests[1]?.messages.at(-1)?.content;
    expect(results).toMatchObject([
      { content: "kept this", is_error: false },
      { content: "Error: not that", is_error: true },
    ]);
    expect(server.requests).toEqual([]);
    expect(lines.filter((line) => line.type === "extension_error")).toEqual([]);
  });

  test("each session starts once for their behaviors, and a module that fails stops no other", async () => {
    const { pi } = await rig(() => text("done"), {}, { runtime, extension, elsewhere: true });
    await pi.request({ type: "new_session" });
    await pi.until((line) => line.method === "setWidget");
    const begun = pi.lines.filter((line) => line.method === "notify" && line.message === "notes: begun");
    expect(begun.length).toBe(2);
    expect(pi.lines.find((line) => line.method === "setWidget")?.widgetLines).toEqual(["Notes: 1"]);
    expect(pi.stderr()).toContain("reef: broken: cannot register");
    expect(pi.stderr()).toContain("reef: a behavior failed on session_start: a behavior that fails");
  });
});
