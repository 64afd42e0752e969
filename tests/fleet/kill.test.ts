// What the services of the fleet acknowledge survives `kill -9` (spec §17.4).
import { afterAll, expect, test } from "bun:test";
import { cleanUp } from "../flow/reef.js";
import { killWhileWriting } from "./kill.js";

afterAll(cleanUp);

test.each(["log", "journal"])(
  "every entry of the %s that was acknowledged is there after kill -9",
  async (name) => {
    const { acknowledged, found, begun } = await killWhileWriting<string>({
      services: [name],
      write: async (reef, n) => (await reef.api("POST", `/${name}`, { text: `entry ${n}` })).text,
      read: async (reef) => {
        const { entries } = await reef.api("GET", `/${name}?since=2020-01-01&limit=5000`);
        return entries.map(({ text }: { text: string }) => text);
      },
    });
    expect(acknowledged.length).toBeGreaterThanOrEqual(300);
    expect(new Set(found).size).toBe(found.length);
    expect(acknowledged.filter((text) => !found.includes(text))).toEqual([]);
    expect(found.length).toBeLessThanOrEqual(begun);
    expect(found.every((text) => /^entry \d+$/.test(text))).toBe(true);
  },
);
