// What the services of the fleet acknowledge survives `kill -9` (spec §17.4).
import { afterAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
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

test("every VM that the registry acknowledged is there after kill -9, and counted", async () => {
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["registry"],
    write: async (reef, n) => {
      const vm = { id: `vm-${n}`, name: "n", role: "worker", address: "a", registeredBy: "ada" };
      return (await reef.api("POST", "/registry/vms", vm)).id;
    },
    read: async (reef) => {
      const { vms } = await reef.api("GET", "/registry/vms?limit=5000");
      expect((await reef.api("GET", "/registry/stats")).total).toBe(vms.length);
      return vms.map(({ id }: { id: string }) => id);
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(new Set(found).size).toBe(found.length);
  expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});

test("every skill that the hub acknowledged is there after kill -9, in the copy for tasks too (spec §7)", async () => {
  let copied: string[] = [];
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["skills"],
    write: async (reef, n) => {
      const skill = { name: `skill-${n}`, description: "d", content: `content ${n}`, publishedBy: "ada" };
      return (await reef.api("POST", "/skills/items", skill)).name;
    },
    read: async (reef) => {
      const { skills, hashes } = await reef.api("GET", "/skills/manifest");
      expect(Object.keys(hashes.skills)).toHaveLength(skills.length);
      // What was to be copied is copied before any later change is acknowledged.
      await reef.api("POST", "/skills/items", { ...LAST, content: "last" });
      copied = readdirSync(join(reef.dataDir, "skills-hub"));
      return skills.map(({ name }: { name: string }) => name);
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(acknowledged.filter((name) => !found.includes(name))).toEqual([]);
  expect(copied.sort()).toEqual([...found, LAST.name].sort());
  expect(found.length).toBeLessThanOrEqual(begun);
});

const LAST = { name: "last", description: "d", publishedBy: "ada" };

test("every report that was acknowledged is there after kill -9, with its link (spec §8)", async () => {
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["reports"],
    acknowledged: 150,
    write: async (reef, n) => {
      const report = { title: `${n}`, author: "ada", content: `content ${n}`, tags: ["x"] };
      const { id } = await reef.api("POST", "/reports", report);
      const { linkId } = await reef.api("POST", `/reports/${id}/share`);
      return `${id} ${n} ${linkId}`;
    },
    read: async (reef) => {
      const { reports } = await reef.api("GET", "/reports?tag=x&limit=5000");
      return Promise.all(
        reports.map(async ({ id, title }: { id: string; title: string }) => {
          expect((await reef.api("GET", `/reports/${id}`)).content).toBe(`content ${title}`);
          const { links } = await reef.api("GET", `/reports/${id}/shares`);
          return `${id} ${title} ${links[0]?.linkId}`;
        }),
      );
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(150);
  expect(acknowledged.filter((one) => !found.includes(one))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});

test("every commit that the ledger acknowledged is there after kill -9, under its tags too (spec §9)", async () => {
  const { acknowledged, found, begun } = await killWhileWriting<string>({
    services: ["commits"],
    write: async (reef, n) =>
      (await reef.api("POST", "/commits", { commitId: `c-${n}`, vmId: "v", tags: ["x"] })).commitId,
    read: async (reef) => {
      const idsOf = async (query: string): Promise<string[]> => {
        const { commits } = await reef.api("GET", `/commits?limit=5000${query}`);
        return commits.map(({ commitId }: { commitId: string }) => commitId);
      };
      const all = await idsOf("");
      expect(await idsOf("&tag=x")).toEqual(all);
      return all;
    },
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(new Set(found).size).toBe(found.length);
  expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.length).toBeLessThanOrEqual(begun);
});
