// Which addresses a fleet host may have.
import { describe, expect, test } from "bun:test";
import { reachOf } from "./address.js";

describe("an address (spec §7)", () => {
  test.each([
    ["1.1.1.1"],
    ["172.32.0.1"],
    ["100.128.0.1"],
    ["2606:4700::1111"],
    ["::ffff:1.1.1.1"],
    ["64:ff9b::101:101"],
  ])("%s is public", (address) => {
    expect(reachOf(address)).toBe("public");
  });

  test.each([
    ["127.0.0.1"],
    ["127.255.255.254"],
    ["::1"],
    ["[::1]"],
    ["0:0:0:0:0:0:0:1"],
    ["::ffff:127.0.0.1"],
    ["::ffff:7f00:1"],
  ])("%s is this machine", (address) => {
    expect(reachOf(address)).toBe("loopback");
  });

  test.each([
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["fd00::1", "private"],
    ["169.254.0.1", "link-local"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["169.254.169.254", "metadata"],
    ["fd00:ec2::254", "metadata"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["192.0.0.192", "metadata"],
    ["100.64.0.1", "CGNAT"],
    ["224.0.0.1", "multicast"],
    ["ff02::1", "multicast"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["255.255.255.255", "broadcast"],
    ["240.0.0.1", "reserved"],
    ["198.18.0.1", "benchmarks"],
    ["192.0.2.1", "documentation"],
    ["2001:db8::1", "documentation"],
    ["::ffff:10.0.0.1", "private, mapped"],
    ["::ffff:a9fe:a9fe", "metadata, mapped"],
    ["::ffff:0.0.0.0", "unspecified, mapped"],
    ["::10.0.0.1", "private, in the old compatible form"],
    ["64:ff9b::a00:1", "private behind NAT64"],
    ["64:ff9b::a9fe:a9fe", "metadata behind NAT64"],
    ["64:ff9b:1::1", "local NAT64"],
    ["2002:a00:1::", "private in 6to4"],
    ["2001:0:a00:1::", "Teredo"],
    ["0x7f.1", "no address"],
    ["127.1", "no address"],
    ["example.org", "no address"],
    ["", "no address"],
  ])("%s is not: %s", (address) => {
    expect(reachOf(address)).toBe("inside");
  });
});
