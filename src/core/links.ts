// How a caller reaches this server, and from where: for links that are handed out, cookies and access logs. Nobody's
// rights depend on it, since forwarded headers can be made up.
import { BlockList, isIP } from "node:net";
import type { Context } from "hono";
import type { Caller, Config } from "./types.js";

export interface Links {
  /** Scheme, host and port that lead here: `VERS_PUBLIC_URL`, else what the request was sent to. */
  originOf(c: Context): string;
  /** True when the caller came over TLS. */
  isSecure(c: Context): boolean;
  /** The caller's own address; undefined for a call from inside the server. */
  addressOf(c: Context): string | undefined;
}

interface LinksContext {
  config: Pick<Config, "publicUrl" | "trustedProxies">;
  caller(): Caller;
}

/** For as long as `ctx` lives; the functions are to be called while the request is handled. */
export function createLinks({ config, caller }: LinksContext): Links {
  const isTrusted = trust(config.trustedProxies);

  function scheme(c: Context): "http" | "https" {
    const forwarded = c.req.header("x-forwarded-proto")?.split(",")[0]?.trim();
    const peer = caller().address;
    if (peer && isTrusted(peer) && (forwarded === "http" || forwarded === "https")) return forwarded;
    const isTls = c.req.url.startsWith("https:") || /\.vers\.sh(:\d+)?$/i.test(hostOf(c));
    return isTls ? "https" : "http";
  }

  return {
    originOf: (c) => config.publicUrl ?? `${scheme(c)}://${hostOf(c)}`,
    isSecure: (c) => scheme(c) === "https",
    addressOf(c) {
      const peer = caller().address;
      if (peer === undefined || !isTrusted(peer)) return peer;
      const hops = (c.req.header("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      const client = hops.reverse().find((hop) => isIP(hop) !== 0 && !isTrusted(hop));
      const real = c.req.header("x-real-ip")?.trim() ?? "";
      return client ?? (isIP(real) ? real : peer);
    },
  };
}

function hostOf(c: Context): string {
  return c.req.header("host") ?? new URL(c.req.url).host;
}

function trust(proxies: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  list.addSubnet("127.0.0.0", 8);
  list.addAddress("::1", "ipv6");
  for (const proxy of proxies) {
    const [address = "", bits] = proxy.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
    return list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  };
}
