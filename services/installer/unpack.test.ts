// Archives: what a good one becomes, and every kind of bad one refused as a whole.
import { afterAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Pax } from "tar";
import { ENTRIES_MAX, FILE_BYTES_MAX, PACKED_BYTES_MAX, UNPACKED_BYTES_MAX } from "./limits.js";
import { archive, removeFolders, tarEntry, temporaryFolder } from "./rig.js";
import { unpack } from "./unpack.js";

afterAll(removeFolders);

const MIB = 1024 * 1024;
const file = (path: string, content: string | Uint8Array = "x", mode = 0o644) =>
  tarEntry({ path, mode }, content);
const folder = (path: string) => tarEntry({ path, type: "Directory" });
/** Nothing but its header says how large it is. */
const claimed = (path: string, size: number) => tarEntry({ path, size });

async function* chunksOf(bytes: Uint8Array, size = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const unpacked = async (bytes: Uint8Array, chunkBytes?: number) => {
  const into = join(temporaryFolder(), "into");
  await unpack(chunksOf(bytes, chunkBytes), into);
  return (path: string) => readFileSync(join(into, path), "utf8");
};

describe("an archive (spec §7)", () => {
  const good = archive(
    folder("top/"),
    file("top/index.ts", "one"),
    folder("top/lib"),
    file("top/lib/two.ts", "two"),
    file("top/empty", ""),
  );

  test.each([[1], [7], [511], [65_536]])(
    "is unpacked below its top folder, in chunks of %i bytes",
    async (size) => {
      const read = await unpacked(good, size);
      expect([read("index.ts"), read("lib/two.ts"), read("empty")]).toEqual(["one", "two", ""]);
    },
  );

  test("may name its files without their folders, and with a ./ before", async () => {
    const read = await unpacked(archive(file("./top/a/b/c.ts", "c"), file("./top/index.ts", "i")));
    expect([read("a/b/c.ts"), read("index.ts")]).toEqual(["c", "i"]);
  });

  test("may have long names, in either way of writing them", async () => {
    const name = `top/${"d".repeat(90)}/${"f".repeat(150)}.ts`;
    const gnu = tarEntry({ path: "././@LongLink", type: "NextFileHasLongPath" }, `${name}\0`);
    const pax = new Pax({ path: name }).encode();
    for (const more of [gnu, pax]) {
      const read = await unpacked(archive(more, file("top/short", "long")));
      expect(read(name.slice("top/".length))).toBe("long");
    }
  });

  test("keeps of a mode whether a file is a program, and nothing else", async () => {
    const into = join(temporaryFolder(), "into");
    await unpack(chunksOf(archive(file("top/run", "x", 0o4777), file("top/text", "x", 0o444))), into);
    expect(statSync(join(into, "run")).mode & 0o7777 & ~0o022).toBe(0o755);
    expect(statSync(join(into, "text")).mode & 0o7700).toBe(0o600);
  });

  test("may be as large as the limits say", async () => {
    const files = Array.from({ length: 8 }, (_, at) => file(`top/${at}`, Buffer.alloc(FILE_BYTES_MAX)));
    const read = await unpacked(archive(...files));
    expect(read("7")).toHaveLength(FILE_BYTES_MAX);
    const many = Array.from({ length: ENTRIES_MAX - 1 }, (_, at) => file(`top/${at}`, ""));
    await unpacked(archive(folder("top"), ...many));
  });
});

describe("an archive is refused as a whole (spec §7, §13.15)", () => {
  const index = file("top/index.ts", "fine");
  const link = (type: "SymbolicLink" | "Link", linkpath: string) =>
    tarEntry({ path: "top/link", type, linkpath });
  const device = (type: "CharacterDevice" | "BlockDevice" | "FIFO") => tarEntry({ path: "top/device", type });
  const raw = (...entries: Buffer[]) => Bun.gzipSync(new Uint8Array(Buffer.concat(entries)));
  const whole = archive(index, file("top/more", "y".repeat(5_000)));

  test.each<[string, () => Uint8Array, string]>([
    ["with .. in a path", () => archive(index, file("top/../../evil", "x")), "is no plain path"],
    ["with .. at its begin", () => archive(file("../evil", "x")), "is no plain path"],
    ["with .. at its end", () => archive(index, folder("top/..")), "is no plain path"],
    [
      "with .. in an extended header",
      () => archive(new Pax({ path: "top/../../evil" }).encode(), file("top/x")),
      "is no plain path",
    ],
    ["with an absolute path", () => archive(index, file("/tmp/evil", "x")), "is absolute"],
    [
      "with an absolute path in an extended header",
      () => archive(new Pax({ path: "/tmp/evil" }).encode(), file("top/x")),
      "is absolute",
    ],
    ["with a control character in a path", () => archive(index, file("top/a\u001bb")), "is no plain path"],
    ["with a symbolic link", () => archive(index, link("SymbolicLink", "/etc")), "is a SymbolicLink"],
    [
      "with a symbolic link that stays inside",
      () => archive(index, link("SymbolicLink", "index.ts")),
      "is a SymbolicLink",
    ],
    ["with a hard link", () => archive(index, link("Link", "top/index.ts")), "is a Link"],
    ["with a character device", () => archive(index, device("CharacterDevice")), "is a CharacterDevice"],
    ["with a block device", () => archive(index, device("BlockDevice")), "is a BlockDevice"],
    ["with a pipe", () => archive(index, device("FIFO")), "is a FIFO"],
    [
      "with an entry of a type that nobody knows",
      () => archive(index, unknownType()),
      "not a file, not a folder",
    ],
    [
      "with two top folders",
      () => archive(index, file("other/index.ts", "x")),
      "is outside of the top folder",
    ],
    [
      "with a file beside the top folder",
      () => archive(index, file("evil", "x")),
      "is outside of the top folder",
    ],
    [
      "with a file in place of the top folder",
      () => archive(file("top", "x")),
      "is outside of the top folder",
    ],
    ["with one file twice", () => archive(index, index), "cannot be written"],
    [
      "with a file where a folder is",
      () => archive(folder("top/a"), file("top/a", "x")),
      "cannot be written",
    ],
    [
      "with a folder below a file",
      () => archive(file("top/a", "x"), file("top/a/b", "x")),
      "cannot be written",
    ],
    [
      "with a name that no disk takes",
      () => archive(new Pax({ path: `top/${"n".repeat(300)}` }).encode(), file("top/x")),
      "cannot be written",
    ],
    [
      "with too many entries",
      () => archive(...Array.from({ length: ENTRIES_MAX + 1 }, (_, at) => file(`top/${at}`, ""))),
      "more than 5000 entries",
    ],
    [
      "with a file that is too large",
      () => archive(index, file("top/large", Buffer.alloc(FILE_BYTES_MAX + 1))),
      "has more than 16777216 bytes",
    ],
    [
      "with a file that says it is too large",
      () => archive(index, claimed("top/large", 2 ** 40)),
      "has more than 16777216 bytes",
    ],
    [
      "larger than it may be packed",
      () => archive(...[0, 1, 2].map((at) => file(`top/${at}`, randomBytes(11 * MIB)))),
      `${PACKED_BYTES_MAX} bytes packed`,
    ],
    [
      "larger than it may be unpacked",
      () => archive(...Array.from({ length: 9 }, (_, at) => file(`top/${at}`, Buffer.alloc(15 * MIB)))),
      `${UNPACKED_BYTES_MAX} bytes unpacked`,
    ],
    [
      "that is a bomb behind its end",
      () => raw(index, Buffer.alloc(1024), Buffer.alloc(200 * MIB)),
      `${UNPACKED_BYTES_MAX} bytes unpacked`,
    ],
    [
      "that is a bomb of extended headers",
      () => raw(...Array.from({ length: 300 }, () => new Pax({ path: "n".repeat(30_000) }).encode())),
      "at too great length",
    ],
    [
      "with an extended header without end",
      () => archive(new Pax({ path: "n".repeat(100_000) }).encode(), file("top/x")),
      "not a file, not a folder",
    ],
    ["that was cut off", () => whole.subarray(0, whole.length - 40), "cannot be read"],
    ["that has no end", () => raw(index), "it ends too early"],
    [
      "that ends in the middle of a file",
      () => raw(claimed("top/a", 5_000), Buffer.alloc(512)),
      "cannot be read",
    ],
    ["that ends in the middle of a block", () => raw(index, Buffer.alloc(100)), "it ends too early"],
    ["that is no gzip", () => Buffer.from("<html>not found</html>"), "cannot be read"],
    ["that is a tar, not packed", () => Buffer.concat([index, Buffer.alloc(1024)]), "cannot be read"],
    ["that is no tar", () => Bun.gzipSync(new Uint8Array(2048).fill(65)), "cannot be read"],
    [
      "that is packed twice",
      () => Bun.gzipSync(new Uint8Array([...whole, ...new Uint8Array(1024)])),
      "packed twice",
    ],
    [
      "with a wrong checksum",
      () => raw(Buffer.concat([index.fill(66, 0, 1), Buffer.alloc(1024)])),
      "cannot be read",
    ],
    ["that is empty", () => raw(Buffer.alloc(1024)), "cannot be read"],
    ["without a byte", () => new Uint8Array(), "cannot be read"],
  ])("%s", async (_what, make, problem) => {
    const outside = temporaryFolder();
    const into = join(outside, "a", "into");
    const refusal = await unpack(chunksOf(make()), into).catch((error) => error);
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(refusal.message).toContain(problem);
    expect([
      existsSync(join(outside, "evil")),
      existsSync(join(outside, "a/evil")),
      existsSync("/tmp/evil"),
    ]).toEqual([false, false, false]);
  });

  test("as soon as that shows: what comes after the limit is never asked for", async () => {
    let given = 0;
    async function* endless(): AsyncIterable<Uint8Array> {
      const block = randomBytes(MIB);
      for (;;) {
        given += block.length;
        yield block;
      }
    }
    const refusal = await unpack(endless(), join(temporaryFolder(), "into")).catch((error) => error);
    expect(refusal).toMatchObject({ code: "bad_request" });
    expect(given).toBeLessThan(PACKED_BYTES_MAX + 8 * MIB);
  });
});

/** With a sum over its header that is right. */
function unknownType(): Buffer {
  const block = tarEntry({ path: "top/strange" });
  const sum = Number.parseInt(block.toString("latin1", 148, 154), 8);
  const before = block[156] ?? 0;
  block[156] = "Z".charCodeAt(0);
  block.write((sum - before + "Z".charCodeAt(0)).toString(8).padStart(6, "0"), 148, "latin1");
  return block;
}
