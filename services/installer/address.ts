// Which addresses are those of other people's machines on the internet, and which lead inside: to this machine, its
// network or its cloud's metadata. Pure.
import { BlockList, isIP } from "node:net";

export type Reach = "public" | "loopback" | "inside";

/** Special-purpose IPv4 blocks (RFC 6890 and the registry that follows it). */
const INSIDE_V4: [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // A cloud's metadata under a public address.
  ["168.63.129.16", 32],
];

/** Of `2000::/3`, outside of which nothing is public: protocol assignments with Teredo, documentation, 6to4. */
const INSIDE_V6: [string, number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** An IPv4 address in the last 32 bits: mapped ones and NAT64. */
const CARRIES_V4: [string, number][] = [
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
];

const lists = {
  insideV4: listOf(INSIDE_V4, "ipv4"),
  loopbackV4: listOf([["127.0.0.0", 8]], "ipv4"),
  insideV6: listOf(INSIDE_V6, "ipv6"),
  globalV6: listOf([["2000::", 3]], "ipv6"),
  carriesV4: listOf(CARRIES_V4, "ipv6"),
  loopbackV6: listOf([["::1", 128]], "ipv6"),
};

/** What is no address at all counts as inside. */
export function reachOf(address: string): Reach {
  const plain = address.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const family = isIP(plain);
  if (family === 4) return reachOfV4(plain);
  return family === 6 ? reachOfV6(plain) : "inside";
}

function reachOfV4(address: string): Reach {
  if (lists.loopbackV4.check(address, "ipv4")) return "loopback";
  return lists.insideV4.check(address, "ipv4") ? "inside" : "public";
}

function reachOfV6(address: string): Reach {
  if (lists.loopbackV6.check(address, "ipv6")) return "loopback";
  if (lists.carriesV4.check(address, "ipv6")) return reachOfV4(lastFour(address));
  const isPublic = lists.globalV6.check(address, "ipv6") && !lists.insideV6.check(address, "ipv6");
  return isPublic ? "public" : "inside";
}

/** The last 32 bits as an IPv4 address. The URL parser writes the address in its one canonical form. */
function lastFour(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(":");
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || "0", 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function listOf(blocks: [string, number][], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of blocks) list.addSubnet(network, prefix, family);
  return list;
}
