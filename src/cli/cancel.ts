// `reef cancel`: ends a task, with everything that it started.
import { type Call, type Command, DONE, JSON_OPTION } from "./command.js";

export const cancel: Command = {
  name: "cancel",
  about: "end a task, queued or running",
  positionals: "<name>",
  takes: [1, 1],
  options: {
    reason: { type: "string", value: "<text>", about: "kept with the task" },
    "keep-children": { type: "boolean", about: "let the tasks that it submitted go on" },
    json: JSON_OPTION,
  },
  detail: "Returns when the task's processes are gone.",
  run,
};

async function run({ args, options, server, terminal: { out } }: Call): Promise<number> {
  const name = args[0] ?? "";
  const body = { reason: options.text("reason"), children: !options.flag("keep-children") };
  const answer = await server.api("POST", `/reef/tasks/${encodeURIComponent(name)}/cancel`, body);
  out.write(options.flag("json") ? `${JSON.stringify(answer)}\n` : `cancelled ${name}\n`);
  return DONE;
}
