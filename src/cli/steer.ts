// `reef steer`: tells a running task something before its next model call.
import { type Call, type Command, DONE, JSON_OPTION } from "./command.js";

export const steer: Command = {
  name: "steer",
  about: "tell a running task something",
  positionals: "<name> <message>",
  takes: [2, 2],
  options: {
    "follow-up": { type: "boolean", about: "only when it would have stopped" },
    json: JSON_OPTION,
  },
  detail: `<message> may be "-" for stdin. A task that is over goes on with: reef submit --task-id <name> "…"`,
  run,
};

async function run({ args, options, server, terminal }: Call): Promise<number> {
  const [name = "", given = ""] = args;
  const message = given === "-" ? await terminal.stdin() : given;
  const body = { message, mode: options.flag("follow-up") ? "follow_up" : "steer" };
  const answer = await server.api("POST", `/reef/tasks/${encodeURIComponent(name)}/steer`, body);
  terminal.out.write(options.flag("json") ? `${JSON.stringify(answer)}\n` : `told ${name}\n`);
  return DONE;
}
