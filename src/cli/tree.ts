// `reef tree`: the drawing of the event tree, or the tree itself as JSON.
import { type Call, type Command, DONE, JSON_OPTION } from "./command.js";
import type { Paint } from "./terminal.js";
import { plain } from "./text.js";

export const tree: Command = {
  name: "tree",
  about: "draw the event tree",
  positionals: "",
  takes: [0, 0],
  options: {
    root: { type: "string", value: "<nodeId>", about: "only this node and what hangs under it" },
    depth: { type: "string", value: "<n>", about: "levels below the root" },
    width: { type: "string", value: "<n>", about: "characters of each text (default 120)" },
    all: { type: "boolean", about: "also the bookkeeping of runs" },
    json: JSON_OPTION,
  },
  run,
};

async function run({ options, server, terminal: { out } }: Call): Promise<number> {
  const root = options.text("root");
  const query = new URLSearchParams(root === undefined ? {} : { root });
  if (options.flag("json")) {
    out.write(`${JSON.stringify(await server.api("GET", `/reef/tree?${query}`), null, 2)}\n`);
    return DONE;
  }
  query.set("format", "text");
  for (const name of ["depth", "width"]) {
    const value = options.integer(name);
    if (value !== undefined) query.set(name, String(value));
  }
  if (options.flag("all")) query.set("all", "1");
  const drawing = await server.api<string>("GET", `/reef/tree?${query}`);
  out.write(colorLabels(plain(drawing), out.paint));
  return DONE;
}

/** Pure: the lines of a drawing, with each node's label in the colour of its kind. */
export function colorLabels(drawing: string, paint: Paint): string {
  return drawing.replace(/^([│├└─ ]*)\[([a-z]+)\]/gm, (_, indent: string, label: string) => {
    return `${paint("dim", indent)}${paint(labelColor(label), `[${label}]`)}`;
  });
}

function labelColor(label: string) {
  if (["error", "cancelled", "interrupted"].includes(label)) return "red";
  if (label === "user" || label === "done") return "green";
  if (label === "assistant") return "bold";
  if (label === "tool") return "cyan";
  return label === "ask" || label === "answer" || label === "steer" ? "yellow" : "dim";
}
