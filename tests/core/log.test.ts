// The log's lines: level, module name, no secrets, bounded length.
import { expect, test } from "bun:test";
import { createLog } from "../../src/core/log.js";

function collected(options: Parameters<typeof createLog>[0] = {}) {
  const lines: string[] = [];
  const log = createLog({ now: () => new Date(0), write: (line) => void lines.push(line), ...options });
  return { log, lines };
}

test("an entry has its time, its level and the module's name", () => {
  const { log, lines } = collected();
  log("board").warn("slow", 3);
  log().info("up");
  expect(lines).toEqual([
    "1970-01-01T00:00:00.000Z warn  board: slow 3\n",
    "1970-01-01T00:00:00.000Z info  reef: up\n",
  ]);
});

test("what is below the level is dropped", () => {
  const { log, lines } = collected({ level: "warn" });
  log().debug("a");
  log().info("b");
  log().error("c");
  expect(lines).toHaveLength(1);
});

test("an error is written with its stack and its cause", () => {
  const { log, lines } = collected();
  log().error(new Error("outer", { cause: new Error("inner") }));
  expect(lines[0]).toContain("outer");
  expect(lines[0]).toContain("inner");
  expect(lines[0]).toContain("log.test.ts");
});

test("every entry is redacted, then cut", () => {
  const { log, lines } = collected({ redact: (text) => text.replaceAll("secret", "[x]") });
  log().info({ a: "secret" });
  expect(lines[0]).toEndWith("info  reef: { a: '[x]' }\n");
  log().info("y".repeat(20_000));
  expect(lines[1]).toEndWith("y… (3616 more characters)\n");
});
