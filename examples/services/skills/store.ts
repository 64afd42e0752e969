// The hub: keeps skills and extensions with their versions, says what an agent has to change, and tells of every change
// after its commit.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import {
  type Browse,
  browse,
  createFanOut,
  type FanOut,
  isoTime,
  type LogRow,
  readRows,
  type TextPage,
  ulid,
} from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { type Agent, listAgents, readAgent, writeAgent } from "./agents.js";
import { type Change, type ChangeAction, changeOf, treeEvent } from "./change.js";
import { createCopy } from "./copy.js";
import { type Decision, decideChange, decidePublish, decideRemove, found } from "./decide.js";
import { type Item, type ItemChange, type ItemRow, type ItemType, itemOf, type Published } from "./item.js";
import { type Manifest, manifestOf } from "./manifest.js";
import {
  changeEnds,
  countItems,
  type ItemFilter,
  insertChange,
  itemListing,
  MIGRATIONS,
  readEnabled,
  readItem,
  readItemAt,
  readVersions,
  type VersionRow,
} from "./rows.js";
import { type SyncReport, type Update, updatesFor } from "./sync.js";

const LIMITS = { versionsMax: 100, changesMax: 10_000, agentsMax: 5_000, itemsMax: 5_000 };

export interface Hub {
  /** Resolves when it is on disk and everybody who follows was told; so do `change` and `remove`. */
  publish(type: ItemType, input: Published): Promise<Item>;
  change(type: ItemType, name: string, change: ItemChange): Promise<Item>;
  remove(type: ItemType, name: string): Promise<void>;
  read(type: ItemType, name: string, version?: number): Item;
  list(type: ItemType, page: Browse<ItemFilter>): TextPage;
  /** Newest first. `isWhole`: of former incarnations too, also when the name is not there any more. */
  versions(type: ItemType, name: string, isWhole?: boolean): VersionRow[];
  manifest(): Manifest;
  /** Keeps what the agent reports, and says what it has to change. */
  sync(report: SyncReport): Promise<Update[]>;
  agent(agentId: string): Agent;
  agents(page: Omit<Browse<unknown>, "filters">): TextPage;
  counts(): Record<"skills" | "extensions", number>;
  readonly streams: FanOut<never>;
}

export interface HubOptions extends Partial<typeof LIMITS> {
  now?: () => number;
  clientsMax?: number;
}

export function openHub(ctx: ServiceContext, options: HubOptions = {}): Hub {
  const { now = Date.now, clientsMax, ...given } = options;
  const limits = { ...LIMITS, ...given };
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const { read } = storage;
  const nextId = ulid({ after: changeEnds(read).newest, now });
  const rules = { ...limits, nextId, now };
  const streams = createFanOut(ctx, changeLog(read), clientsMax === undefined ? {} : { clientsMax });
  const copy = createCopy(ctx, {
    content: (name) => {
      const row = readItem(read, "skill", name);
      return row?.enabled === 1 ? row.content : undefined;
    },
    names: () => readEnabled(read, "skill").map(({ name }) => name),
  });
  void copy.refreshAll();

  /** One transaction: the new row, or its removal, and the changes that it means. */
  async function write(decide: (db: Database) => Decision): Promise<ItemRow> {
    const { row, changes } = await storage.write((db) => {
      const { row, actions } = decide(db);
      return { row, changes: actions.map((action) => record(db, row, action)) };
    });
    for (const change of changes) tell(change, row);
    if (row.type === "skill" && changes.length > 0) await copy.refresh(row.name);
    return row;
  }

  function record(db: Database, row: ItemRow, action: ChangeAction): Change {
    const change = changeOf(nextId(), row, action);
    insertChange(db, { id: change.id, json: JSON.stringify(change) }, limits.changesMax);
    return change;
  }

  function tell(change: Change, row: ItemRow): void {
    streams.advance(change.id);
    ctx.events.fire("skills:changed", { change });
    ctx.events.fire("reef:event", treeEvent(change, row));
  }

  return {
    streams,
    publish: async (type, input) => itemOf(await write((db) => decidePublish(db, type, input, rules))),
    change: async (type, name, change) =>
      itemOf(await write((db) => decideChange(db, { type, name }, change, rules))),
    async remove(type, name) {
      await write((db) => decideRemove(db, { type, name }));
    },
    read(type, name, version) {
      const row = version === undefined ? readItem(read, type, name) : readItemAt(read, type, name, version);
      return itemOf(found(row, type));
    },
    list: (type, page) =>
      browse<ItemRow>(read, itemListing(type, page.filters), {
        page,
        toText: (row) => JSON.stringify(itemOf(row)),
      }),
    versions(type, name, isWhole = false) {
      const item = readItem(read, type, name);
      const rows =
        isWhole || item ? readVersions(read, type, name, isWhole ? undefined : item?.incarnation) : [];
      found(rows[0], type);
      return rows;
    },
    manifest: () =>
      manifestOf(readEnabled(read, "skill"), readEnabled(read, "extension"), changeEnds(read).newest),
    sync: (report) =>
      storage.write((db) => {
        writeAgent(db, report, { lastSync: isoTime(now()), agentsMax: limits.agentsMax });
        const isHashed = [...report.skills, ...report.extensions].some(({ hash }) => hash !== undefined);
        return [
          ...updatesFor("skill", report.skills, readEnabled(db, "skill"), isHashed),
          ...updatesFor("extension", report.extensions, readEnabled(db, "extension"), isHashed),
        ];
      }),
    agent(agentId) {
      const agent = readAgent(read, agentId);
      if (!agent) throw new ReefError("not_found", "agent not found");
      return agent;
    },
    agents: (page) => listAgents(read, page),
    counts: () => countItems(read),
  };
}

function changeLog(read: Database) {
  const list = { columns: "id, json", from: "changes", order: ["id"] };
  return {
    read: (after: string, { limit, bytesMax }: { limit: number; bytesMax: number }) =>
      readRows<LogRow>(read, list, { after: [after], limit, bytesMax, toText: ({ json }) => json }).rows,
    matches: () => true,
    newest: () => changeEnds(read).newest,
    removed: () => changeEnds(read).removed,
    oldest: () => changeEnds(read).oldest,
  };
}
