// `reef start`: the server, in this process.
import { overrideEnvironment } from "../core/client.js";
import { type Call, type Command, DONE } from "./command.js";

export const start: Command = {
  name: "start",
  about: "start the server",
  positionals: "",
  takes: [0, 0],
  options: {
    port: { type: "string", value: "<n>", about: "port to listen on, 0 = any free one (PORT)" },
    host: { type: "string", value: "<address>", about: "address to bind (HOST)" },
    "data-dir": { type: "string", value: "<folder>", about: "where reef writes (DATA_DIR)" },
    "services-dir": { type: "string", value: "<folder>", about: "your service folders (SERVICES_DIR)" },
    watch: { type: "boolean", about: "reload a service when its files change" },
  },
  detail: "All other settings come from the environment; the README lists them. Ctrl-C stops it cleanly.",
  run,
};

/** Resolves when the server runs; it then lives until a signal ends it. */
async function run({ options }: Call): Promise<number> {
  overrideEnvironment({
    PORT: options.text("port"),
    HOST: options.text("host"),
    DATA_DIR: options.text("data-dir"),
    SERVICES_DIR: options.text("services-dir"),
  });
  const { main } = await import("../main.js");
  await main({ watch: options.flag("watch") });
  return DONE;
}
