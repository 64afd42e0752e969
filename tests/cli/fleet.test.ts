// `reef fleet`: what it sends and prints.
import { describe, expect, test } from "bun:test";
import { fakeServer, reef } from "./support.js";

const EXAMPLES = [
  { name: "board", description: "Shared tasks.", installed: false },
  { name: "feed", description: null, installed: true },
  { name: "log", description: "A log\nof work.", installed: false },
];

/** Refuses `refused`. */
function server(refused?: string) {
  const answer = (name: string) =>
    name === refused
      ? Response.json({ error: `${name} \u001b[31mcannot be`, code: "bad_request" }, { status: 400 })
      : { name, dirName: name };
  return fakeServer({
    "GET /installer/examples": () => ({ examples: EXAMPLES, count: EXAMPLES.length }),
    "POST /installer/install": ({ body }) =>
      answer((body as { source: string }).source.replace("example:", "")),
    "POST /installer/remove": ({ body }) => answer((body as { name: string }).name),
  });
}

type Fake = ReturnType<typeof server>;
const sent = ({ requests }: Fake) => requests.slice(1).map(({ path, body }) => [path, body]);

describe("reef fleet", () => {
  test("list is a table of the examples", async () => {
    await using fake = server();
    expect(await reef(fake.url, ["fleet", "list"])).toEqual({
      code: 0,
      out: "NAME   STATE    WHAT IT IS\nboard  -        Shared tasks.\nfeed   enabled\nlog    -        A log of work.\n",
      err: "",
    });
    const { out } = await reef(fake.url, ["fleet", "list", "--json"]);
    expect(JSON.parse(out)).toEqual({ examples: EXAMPLES, count: 3 });
  });

  test("list says so when there are none", async () => {
    await using fake = fakeServer({ "GET /installer/examples": () => ({ examples: [], count: 0 }) });
    expect(await reef(fake.url, ["fleet", "list"])).toEqual({
      code: 0,
      out: "",
      err: "There are no example services.\n",
    });
  });

  test("enable installs what is named, and prints what became live", async () => {
    await using fake = server();
    expect(await reef(fake.url, ["fleet", "enable", "log", "feed", "board"])).toEqual({
      code: 0,
      out: "enabled /log — A log of work.\nunchanged feed\nenabled /board — Shared tasks.\n",
      err: "",
    });
    expect(sent(fake)).toEqual([
      ["/installer/install", { source: "example:log" }],
      ["/installer/install", { source: "example:board" }],
    ]);
  });

  test("enable --all installs what is missing; one that fails keeps no other back", async () => {
    await using fake = server("board");
    const { code, out, err } = await reef(fake.url, ["fleet", "enable", "--all"]);
    expect([code, out]).toEqual([1, "unchanged feed\nenabled /log — A log of work.\n"]);
    expect(err).toBe("board: board cannot be\n");
  });

  test("disable removes", async () => {
    await using fake = server();
    const { code, out } = await reef(fake.url, ["fleet", "disable", "feed", "log"]);
    expect([code, out]).toEqual([0, "disabled feed\nunchanged log\n"]);
    expect(sent(fake)).toEqual([["/installer/remove", { name: "feed" }]]);
  });

  test("--json is one list for programs", async () => {
    await using fake = server("log");
    const { code, out } = await reef(fake.url, ["fleet", "enable", "--all", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual([
      { name: "board", state: "enabled" },
      { name: "feed", state: "unchanged" },
      { name: "log", error: expect.stringContaining("cannot be") },
    ]);
  });

  test.each([
    [[], "fleet needs <list|enable|disable> [name…]"],
    [["install"], 'fleet takes list, enable or disable. Received: "install"'],
    [["enable"], "fleet enable needs names, or --all"],
    [["disable", "feed", "--all"], "fleet disable needs names, or --all"],
    [["list", "feed"], 'fleet list takes no names. Received: "feed"'],
    [["enable", "board", "absent"], 'there is no example service "absent"; there are board, feed, log'],
  ])("%j is wrong, and changes nothing", async (args, problem) => {
    await using fake = server();
    const { code, err } = await reef(fake.url, ["fleet", ...args]);
    expect([code, err.split("\n")[0]]).toEqual([2, `reef: ${problem}`]);
    expect(fake.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });
});
