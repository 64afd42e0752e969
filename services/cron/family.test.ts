// Which processes belong to a run, in tables that a test makes up and in the one of this machine.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { endFamily, familyOf, look, membersAmong } from "./family.js";
import { until } from "./harness.js";
import { type Process, RUN_VARIABLE, readProcesses, startTimeOf } from "./processes.js";

const SELF = 100;

function row(
  pid: number,
  parent: number,
  fields: { session?: number; startTime?: number; run?: string } = {},
): Process {
  const { session = pid, startTime = 1, run } = fields;
  return { pid, parent, session, startTime, runId: () => run };
}

/** init, a shell, this server. */
const around = [row(1, 0), row(50, 1), row(SELF, 50, { session: 50 })];
const pids = (processes: Process[], family = familyOf(["R"])) =>
  membersAmong([...around, ...processes], family, SELF)
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);

describe("a family", () => {
  test("is what has the run's name, all below it, and who shares a session with one of them", () => {
    const processes = [
      row(200, SELF, { run: "R" }),
      row(201, 200, { session: 200 }),
      row(202, 1, { session: 200 }),
      row(300, 1, { run: "R" }),
      row(301, 1, { session: 300 }),
      row(400, 1),
      row(401, SELF, { run: "S" }),
    ];
    expect(pids(processes)).toEqual([200, 201, 202, 300, 301]);
  });

  test("is known by its session, when nothing in it has the name any more", () => {
    const family = familyOf(["R"], { pid: 200, startTime: 7 });
    expect(pids([row(201, 1, { session: 200 })], family)).toEqual([201]);
    // The number was given out again.
    expect(
      pids([row(200, 1, { startTime: 9 }), row(201, 200, { session: 200, startTime: 9 })], family),
    ).toEqual([]);
  });

  test("keeps those that were seen, and no other that has their number by now", () => {
    const family = familyOf(["R"]);
    family.seen.set(200, 1).set(201, 1);
    expect(pids([row(200, 1), row(201, 1, { startTime: 2 })], family)).toEqual([200]);
  });

  test("never has this process in it, nor one that it descends from, nor its session", () => {
    const parents = [
      row(1, 0),
      row(50, 1, { run: "R" }),
      row(SELF, 50, { session: 50, run: "R" }),
      row(60, 50, { session: 50 }),
    ];
    const found = membersAmong(
      [...parents, row(200, SELF, { session: 50, run: "R" })],
      familyOf(["R"]),
      SELF,
    );
    expect(found.map(({ pid }) => pid)).not.toContain(SELF);
    expect(found.map(({ pid }) => pid)).not.toContain(50);
    expect(found.map(({ pid }) => pid)).not.toContain(1);
    expect(found.map(({ pid }) => pid)).toContain(200);
  });

  test("ends in any table, whatever parents it names", () => {
    const pid = fc.integer({ min: 0, max: 20 });
    const one = fc
      .tuple(pid, pid, pid, fc.boolean())
      .map(([id, parent, session, named]) => row(id, parent, { session, run: named ? "R" : undefined }));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 30 }), (processes) => {
        const found = membersAmong(processes, familyOf(["R"]), 7).map((member) => member.pid);
        expect(found.filter((id) => id <= 1 || id === 7)).toEqual([]);
      }),
    );
  });
});

describe("the processes of this machine", () => {
  test.each(["proc", "ps"] as const)("are read through %s, with the name of their run", async (source) => {
    const run = `0R${Date.now()}`;
    const child = Bun.spawn(["sleep", "100"], {
      env: { OTHER: "x", [RUN_VARIABLE]: run, LAST: "y" },
      detached: true,
    });
    // A process that has just begun may not show its environment yet.
    const found = await until(async () => {
      const one = (await readProcesses(source)).find(({ pid }) => pid === child.pid);
      return one?.runId() !== undefined && one;
    });
    expect(found).toMatchObject({ pid: child.pid, parent: process.pid, session: child.pid });
    expect(found.runId()).toBe(run);
    const own = (await readProcesses(source)).find(({ pid }) => pid === process.pid);
    expect(own?.runId()).toBeUndefined();
    child.kill();
    await child.exited;
    expect(startTimeOf(child.pid)).toBeUndefined();
  });

  test("are killed when asking does not help, and nothing else is", async () => {
    const run = `0R${Date.now()}`;
    const stubborn = Bun.spawn(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], {
      env: { PATH: process.env.PATH, [RUN_VARIABLE]: run },
      detached: true,
    });
    const other = Bun.spawn(["sleep", "100"], { env: { [RUN_VARIABLE]: `${run}0` }, detached: true });
    const family = familyOf([run]);
    while ((await look(family)).length < 2) await Bun.sleep(5);
    await endFamily(family, console);
    await stubborn.exited;
    expect(stubborn.signalCode).toBe("SIGKILL");
    expect(await look(family)).toEqual([]);
    expect(other.exitCode).toBeNull();
    other.kill();
  });
});
