// What is on disk when the process is killed, and when the disk is full.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ids, open, removeDir, tempDir } from "./support.js";

const FIXTURES = join(import.meta.dir, "fixtures");
const ACKNOWLEDGED_BEFORE_KILL = 400;
/** In blocks of 512 bytes, as `ulimit -f` of a plain sh counts. */
const FILE_BLOCKS_MAX = 4000;

test("kill -9 loses no acknowledged node and leaves no half commit (spec §1.5)", async () => {
  const dir = tempDir();
  for (let round = 0; round < 3; round++) {
    const acknowledged = await idsUntilKilled(dir);
    expect(acknowledged.length).toBeGreaterThanOrEqual(ACKNOWLEDGED_BEFORE_KILL);
    const tree = await open(dir);
    const known = await Promise.all(acknowledged.map((id) => tree.get(id)));
    expect(known.filter((node) => node === undefined)).toEqual([]);
    const { byStatus, tasks } = await tree.counts();
    expect(byStatus).toEqual({ done: tasks });
    await tree.rebuildTasks();
    expect((await tree.counts()).byStatus).toEqual(byStatus);
    await tree.close();
  }
  removeDir(dir);
}, 60_000);

test("a full disk refuses a whole group, keeps what was acknowledged, and nothing else (spec §1.5)", async () => {
  const dir = tempDir();
  const script = `trap '' XFSZ; ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" --no-install "$1" "$2"`;
  const child = Bun.spawn(
    ["sh", "-c", script, process.execPath, join(FIXTURES, "append-until-full.ts"), dir],
    {
      stderr: "inherit",
    },
  );
  const full = JSON.parse(await new Response(child.stdout).text());
  expect(full.refusals).toEqual(Array(10).fill("storage unavailable"));
  expect(full.healthy.ok).toBe(false);
  const tree = await open(dir);
  expect(ids(await tree.since(1, 5000))).toEqual(full.acknowledged);
  expect(tree.newestSeq()).toBe(full.seq);
  await tree.close();
  removeDir(dir);
}, 60_000);

async function idsUntilKilled(dir: string): Promise<string[]> {
  const child = Bun.spawn([process.execPath, "--no-install", join(FIXTURES, "append-until-killed.ts"), dir], {
    stderr: "inherit",
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split("\n").length > ACKNOWLEDGED_BEFORE_KILL) child.kill("SIGKILL");
  }
  await child.exited;
  return text.split("\n").slice(0, -1);
}
