// An extension with modules of its own, as somebody would write it who runs services inside pi.
import { createExtension } from "../../../src/extension/index.js";

export default createExtension([
  {
    name: "notes",
    registerTools(pi, client) {
      pi.registerTool({
        name: "note",
        label: "note",
        description: "Keeps a note",
        parameters: { type: "object", properties: { text: { type: "string" } } },
        async execute(_toolCallId, params) {
          const { text } = params as { text: string };
          return text === "bad" ? client.err("not that") : client.ok(`kept ${text}`);
        },
      });
    },
    registerBehaviors(pi) {
      pi.on("session_start", (_event, ctx) => {
        ctx.ui.notify("notes: begun");
        throw new Error("a behavior that fails");
      });
      // What a behavior returns has no effect.
      pi.on("tool_call", (() => ({ block: true, reason: "no" })) as never);
    },
    widget: { getLines: async () => ["Notes: 1"] },
  },
  {
    name: "broken",
    registerTools() {
      throw new Error("cannot register");
    },
    widget: { getLines: () => Promise.reject(new Error("no lines")) },
  },
]);
