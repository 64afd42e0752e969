// What a group leaves behind when the disk becomes full while it is being written (spec §1.5).
import { expect, test } from "bun:test";
import { openFile, type TreeFile } from "../../src/tree/file.js";
import { GroupCommit } from "../../src/tree/group.js";
import type { NewNode } from "../../src/tree/node.js";
import { Tables } from "../../src/tree/projection.js";
import { Rules } from "../../src/tree/rules.js";
import { Journal } from "../../src/tree/storage.js";
import { Writer } from "../../src/tree/writer.js";
import { type Count, counting, removeDir, tempDir, user } from "./support.js";

test("wherever in a group the disk is full, it leaves nothing, and the next one goes on where it began", async () => {
  const dir = tempDir();
  const file = openFile({ dir, now: Date.now });
  const { write, writer, tables } = parts(file);
  const root = (await write({ parentId: null, role: "system", content: "root" })).id;
  let refusals = 0;
  for (let free = 0; writer.newestSeq() === 1; free++) {
    limitFile(file, free);
    const outcomes = await Promise.allSettled([
      write(user(root, "t")),
      write(user("nowhere", "t")),
      write(user(root, "long name ".repeat(1000))),
    ]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "internal" } });
    if (outcomes[0]?.status === "fulfilled") break;
    refusals++;
    expect(outcomes[0]).toMatchObject({ reason: { code: "insufficient_storage" } });
    expect(outcomes[2]).toMatchObject({ reason: { code: "insufficient_storage" } });
    expect([writer.newestSeq(), tables.task("t"), tables.ref("t"), tables.statuses()]).toEqual([
      1,
      undefined,
      undefined,
      {},
    ]);
  }
  expect(refusals).toBeGreaterThan(5);
  const next = await write(user(root, "t"));
  expect([next.seq, tables.task("t")?.state.nodes, tables.statuses()]).toEqual([4, 2, { queued: 2 }]);
  file.close({ clean: true });
  removeDir(dir);
});

/** SQLite then refuses to make the file larger, as it does on a full disk. */
function limitFile(file: TreeFile, pagesFree: number): void {
  const pages = file.db.query<{ page_count: number }, []>("PRAGMA page_count").get()?.page_count ?? 0;
  file.db.run(`PRAGMA max_page_count = ${pages + pagesFree}`);
}

function parts(file: TreeFile) {
  const journal = new Journal(file);
  const tables = new Tables<Count>(file);
  const writer = new Writer<Count>({
    journal,
    tables,
    rules: new Rules(journal),
    projection: counting,
    redact: (value) => value,
    newId: () => crypto.randomUUID(),
    now: Date.now,
  });
  const group = new GroupCommit(file, {
    begin: () => writer.begin(),
    seal: () => writer.seal(),
    committed: () => writer.committed(),
  });
  const write = async (node: NewNode) => {
    const [added] = await group.enqueue(() => writer.apply(() => ({ nodes: [node] })));
    if (added === undefined) throw new Error("Nothing was added");
    return added;
  };
  return { write, writer, tables };
}
