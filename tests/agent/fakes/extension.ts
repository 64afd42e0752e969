// A small extension for pi: the command that starts the next loop, a tool that ends one, and a tool that asks.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";

const parameters = { type: "object", properties: {} } as never;
const text = (value: string) => ({ content: [{ type: "text" as const, text: value }], details: {} });

export default function extension(pi: ExtensionAPI): void {
  const control = process.env.REEF_CONTROL;
  pi.registerCommand(`reef-continue-${control}`, {
    description: "Starts the next loop.",
    handler: async (content) =>
      pi.sendMessage({ customType: "reef", content, display: false }, { triggerTurn: true }),
  });
  pi.registerCommand(`reef-nothing-${control}`, {
    description: "Does nothing.",
    handler: async () => undefined,
  });
  pi.registerTool({
    name: "enough",
    label: "enough",
    description: "Ends the loop.",
    parameters,
    execute: async () => ({ ...text("enough"), terminate: true }),
  });
  pi.registerTool({
    name: "ask",
    label: "ask",
    description: "Asks.",
    parameters,
    execute: async (_id, _params, _signal, _update, ctx) =>
      text(String(await ctx.ui.confirm("Sure?", "Really?"))),
  });
}
