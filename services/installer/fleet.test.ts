// Another reef as a source: where its name may lead, where the connection goes, and who sees the token.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LookupAddress } from "node:dns";
import { parseOrigin, requestExport } from "./fleet.js";

interface Seen {
  path: string;
  host: string | null;
  authorization: string | null;
}

let seen: Seen[] = [];
let other: Bun.Server<undefined>;
beforeAll(() => {
  other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
});
afterAll(() => other.stop(true));

function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  const { headers } = request;
  seen.push({ path: pathname, host: headers.get("host"), authorization: headers.get("authorization") });
  if (pathname.endsWith("/moved"))
    return Response.redirect(`http://127.0.0.1:${other.port}/services/export/good`);
  if (pathname.endsWith("/absent"))
    return Response.json({ error: 'Module "absent" not found' }, { status: 404 });
  if (pathname.endsWith("/broken")) return new Response("x".repeat(1_000_000), { status: 500 });
  if (pathname.endsWith("/packed"))
    return new Response(Bun.gzipSync("packed"), { headers: { "Content-Encoding": "gzip" } });
  return new Response("good");
}

const BOUND_TO_LOOPBACK = { token: undefined, host: undefined, fleetHosts: [] };
const BOUND_TO_ALL = { token: "t", host: undefined, fleetHosts: [] };

interface Asking {
  from?: string;
  name?: string;
  token?: string;
  settings?: Parameters<typeof requestExport>[1];
  /** What the host resolves to. */
  addresses?: string[];
}

async function asked({
  from = `http://127.0.0.1:${other.port}`,
  name = "good",
  token,
  settings = BOUND_TO_LOOPBACK,
  addresses,
}: Asking) {
  const resolve = addresses && (async () => addresses.map(addressOf));
  const request = { from: parseOrigin(from), name, token, signal: AbortSignal.timeout(10_000) };
  const response = await requestExport(request, settings, resolve);
  const chunks = await Array.fromAsync(response);
  return Buffer.concat(chunks).toString("latin1");
}

function addressOf(address: string): LookupAddress {
  return { address, family: address.includes(":") ? 6 : 4 };
}

const refusal = (asking: Asking) =>
  asked(asking).then(
    () => "no refusal",
    (error) => error,
  );

describe("from (spec §7)", () => {
  test.each([
    ["http://host", "http://host"],
    ["https://Host.Example.org", "https://host.example.org"],
    ["http://host:8080/", "http://host:8080"],
    ["http://[::1]:3000", "http://[::1]:3000"],
    ["http://0x7f.1", "http://127.0.0.1"],
  ])("%s is an origin", (from, origin) => {
    expect(parseOrigin(from).origin).toBe(origin);
  });

  test.each([
    ["http://user:secret@host"],
    ["http://secret@host"],
    ["http://host/services"],
    ["http://host/%2e%2e"],
    ["http://host?secret"],
    ["http://host#secret"],
    ["http://host\\@secret"],
    ["http://ho st"],
    ["http://host:99999"],
    ["http://"],
    ["http:///host"],
    ["http:host"],
    ["ftp://host"],
    ["file:///etc/passwd"],
    ["host"],
    ["//host"],
    [""],
  ])("%j is none, and the message repeats nothing of it", (from) => {
    const refused = expect(() => parseOrigin(from));
    refused.toThrow("from must be http(s)://host[:port]");
    refused.not.toThrow("secret");
  });
});

describe("an address that is not allowed (spec §7, §13.15)", () => {
  test.each([
    ["http://169.254.169.254", "169.254.169.254"],
    ["http://10.0.0.1", "10.0.0.1"],
    ["http://192.168.0.1:3000", "192.168.0.1"],
    ["http://100.64.0.1", "100.64.0.1"],
    ["http://0.0.0.0", "0.0.0.0"],
    ["http://0", "0.0.0.0"],
    ["http://224.0.0.1", "224.0.0.1"],
    ["http://[::ffff:10.0.0.1]", "[::ffff:a00:1]"],
    ["http://[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]"],
    ["http://[::]", "[::]"],
    ["http://[fe80::1]", "[fe80::1]"],
    ["http://[fd00:ec2::254]", "[fd00:ec2::254]"],
    ["http://[64:ff9b::a00:1]", "[64:ff9b::a00:1]"],
  ])("%s is refused wherever reef is bound", async (from, host) => {
    for (const settings of [BOUND_TO_ALL, BOUND_TO_LOOPBACK])
      expect(await refusal({ from, settings })).toMatchObject({
        code: "bad_request",
        message: `Address not allowed: ${host}`,
      });
  });

  test.each([
    ["http://127.0.0.1"],
    ["http://127.1"],
    ["http://0x7f.1"],
    ["http://2130706433"],
    ["http://017700000001"],
    ["http://[::1]"],
    ["http://[::ffff:127.0.0.1]"],
    ["http://localhost"],
  ])("%s is refused unless reef is bound to loopback", async (from) => {
    expect((await refusal({ from, settings: BOUND_TO_ALL })).message).toStartWith("Address not allowed: ");
    for (const host of ["0.0.0.0", "10.0.0.1", "example.org"])
      expect((await refusal({ from, settings: { ...BOUND_TO_ALL, host } })).message).toStartWith(
        "Address not allowed: ",
      );
  });

  test.each([["127.0.0.1"], ["::1"], ["localhost"], ["127.0.0.9"]])(
    "loopback is allowed when reef is bound to %s",
    async (host) => {
      expect(await asked({ settings: { ...BOUND_TO_ALL, host } })).toBe("good");
    },
  );

  test("is one of several that a name has", async () => {
    const from = `http://fleet.example:${other.port}`;
    const error = await refusal({ from, addresses: ["127.0.0.1", "1.1.1.1", "10.0.0.1"] });
    expect(error.message).toBe("Address not allowed: fleet.example");
  });

  test("is allowed when the operator names the host, with or without its port", async () => {
    const from = `http://fleet.example:${other.port}`;
    const allowed = (named: string) =>
      asked({ from, addresses: ["127.0.0.1"], settings: { ...BOUND_TO_ALL, fleetHosts: [named] } });
    expect(await allowed("fleet.example")).toBe("good");
    expect(await allowed("Fleet.Example")).toBe("good");
    expect(await allowed(`fleet.example:${other.port}`)).toBe("good");
    for (const named of ["fleet.example:1", "other.example", "example", "t.example"])
      expect(await allowed(named).catch((error) => error.message)).toBe("Address not allowed: fleet.example");
  });

  test("is found before anything is connected to", async () => {
    seen = [];
    await refusal({ settings: BOUND_TO_ALL });
    expect(seen).toEqual([]);
  });
});

describe("the connection (spec §7)", () => {
  test("goes to the address that was checked, under the name that was asked for", async () => {
    seen = [];
    let looked = 0;
    const request = {
      from: parseOrigin(`http://fleet.example:${other.port}`),
      name: "good",
      signal: AbortSignal.timeout(10_000),
    };
    const response = await requestExport(request, BOUND_TO_LOOPBACK, async () => {
      looked++;
      return [addressOf(looked === 1 ? "127.0.0.1" : "169.254.169.254")];
    });
    response.resume();
    expect(looked).toBe(1);
    expect(seen).toMatchObject([{ path: "/services/export/good", host: `fleet.example:${other.port}` }]);
  });

  test("takes no way around, whatever the environment says", async () => {
    const script = `
      import { parseOrigin, requestExport } from ${JSON.stringify(`${import.meta.dir}/fleet.ts`)};
      const from = parseOrigin("http://127.0.0.1:${other.port}");
      const settings = ${JSON.stringify({ fleetHosts: [] })};
      const response = await requestExport({ from, name: "good", signal: AbortSignal.timeout(10000) }, settings);
      process.stdout.write(await new Response(response).text());`;
    const proxy = "http://127.0.0.1:1";
    const child = Bun.spawn([process.execPath, "--no-install", "-e", script], {
      env: { PATH: "/usr/bin:/bin", HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy },
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("good");
  });

  test("carries the token to that host and only as a bearer", async () => {
    seen = [];
    await asked({ token: "for-this-one" });
    await asked({});
    expect(seen.map(({ authorization }) => authorization)).toEqual(["Bearer for-this-one", null]);
  });

  test("follows no redirect, and takes no token there", async () => {
    seen = [];
    const error = await refusal({ name: "moved", token: "for-this-one" });
    expect(error).toMatchObject({ code: "bad_request" });
    expect(error.message).toContain("redirect (302), which is not followed");
    expect(seen.map(({ path }) => path)).toEqual(["/services/export/moved"]);
  });

  test("brings the bytes as they are sent", async () => {
    expect(await asked({ name: "packed" })).toBe(Buffer.from(Bun.gzipSync("packed")).toString("latin1"));
  });

  test.each([
    ["absent", '404: Module "absent" not found'],
    ["broken", "answered 500"],
  ])("that brings no archive is refused: %s", async (name, problem) => {
    const error = await refusal({ name });
    expect(error).toMatchObject({ code: "bad_request" });
    expect(error.message).toContain(problem);
    expect(error.message.length).toBeLessThan(500);
  });

  test("that cannot be made is refused", async () => {
    const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { host, origin: from } = closed.url;
    await closed.stop(true);
    const error = await refusal({ from });
    expect(error).toMatchObject({ code: "bad_request" });
    expect(error.message).toStartWith(`Cannot reach ${host}: `);
  });

  test("to a name that nobody has is refused", async () => {
    const none = await refusal({ from: "http://fleet.example", addresses: [] });
    expect(none).toMatchObject({ code: "bad_request", message: "Cannot resolve fleet.example" });
  });
});
