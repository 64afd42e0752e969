// `reef open`: the dashboard, signed in: asks for a link that works once, prints it, and opens it where there is a
// desktop.
import { type Call, type Command, DONE, JSON_OPTION } from "./command.js";

export const open: Command = {
  name: "open",
  about: "sign in to the dashboard: print a link, and open it in a browser",
  positionals: "",
  takes: [0, 0],
  options: {
    print: { type: "boolean", about: "only print it" },
    json: JSON_OPTION,
  },
  detail:
    "The link works once, for five minutes. No browser is opened over SSH, or when the output is piped.",
  run,
};

interface Link {
  url: string;
  expiresAt: string;
}

async function run({ options, server, terminal: { out, err, browse } }: Call): Promise<number> {
  const link = await server.api<Link>("POST", "/auth/magic-link");
  if (options.flag("json")) {
    out.write(`${JSON.stringify(link)}\n`);
    return DONE;
  }
  out.write(`${link.url}\n`);
  err.write(`The link works once, until ${new Date(link.expiresAt).toLocaleTimeString()}.\n`);
  const isPerson = out.columns !== undefined && !options.flag("print");
  if (isPerson && browse && !browse(link.url)) err.write("No browser could be started: open it yourself.\n");
  return DONE;
}
