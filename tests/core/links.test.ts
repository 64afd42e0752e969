// Who asks, and under which name this server is reached (fleet spec §1.11).
import { expect, test } from "bun:test";
import { type Context, Hono } from "hono";
import { createLinks } from "../../src/core/links.js";

interface Case {
  peer?: string;
  publicUrl?: string;
  trustedProxies?: string[];
  headers?: Record<string, string>;
  url?: string;
}

async function linked({ peer = "203.0.113.9", publicUrl, trustedProxies = [], headers, url }: Case) {
  const links = createLinks({
    config: { publicUrl, trustedProxies },
    caller: () => ({ kind: "anonymous", address: peer }),
  });
  const app = new Hono().all("*", (c: Context) =>
    c.json([links.originOf(c), links.isSecure(c), links.addressOf(c)]),
  );
  return (await app.request(url ?? "http://reef.example:3000/", { headers })).json();
}

const forwarded = { "x-forwarded-proto": "https, http", "x-forwarded-for": "198.51.100.7, 10.0.0.2" };

test.each<[string, Case, [string, boolean, string]]>([
  ["a plain request", {}, ["http://reef.example:3000", false, "203.0.113.9"]],
  [
    "a stranger's forwarded headers",
    { headers: forwarded },
    ["http://reef.example:3000", false, "203.0.113.9"],
  ],
  [
    "a proxy on this machine",
    { peer: "127.0.0.1", headers: forwarded },
    ["https://reef.example:3000", true, "10.0.0.2"],
  ],
  [
    "a chain of trusted proxies",
    { peer: "::ffff:10.0.0.1", trustedProxies: ["10.0.0.0/8"], headers: forwarded },
    ["https://reef.example:3000", true, "198.51.100.7"],
  ],
  [
    "a trusted address of version 6, with only the real address told",
    { peer: "fd00::1", trustedProxies: ["fd00::/8"], headers: { "x-real-ip": "2001:db8::5" } },
    ["http://reef.example:3000", false, "2001:db8::5"],
  ],
  [
    "nonsense in the headers",
    {
      peer: "127.0.0.1",
      headers: { "x-forwarded-proto": "gopher", "x-forwarded-for": "<script>", "x-real-ip": "x" },
    },
    ["http://reef.example:3000", false, "127.0.0.1"],
  ],
  [
    "a host behind the proxy of vers.sh",
    { headers: { host: "abc.vm.vers.sh" } },
    ["https://abc.vm.vers.sh", true, "203.0.113.9"],
  ],
  [
    "a public URL that is configured",
    { publicUrl: "https://reef.example", headers: { host: "other" } },
    ["https://reef.example", false, "203.0.113.9"],
  ],
])("%s", async (_what, given, expected) => {
  expect(await linked(given)).toEqual(expected);
});
