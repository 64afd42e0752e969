// What each agent has, as it last reported it.
import type { Database } from "bun:sqlite";
import { type Browse, browse, type TextPage } from "#core/http.js";
import type { Held, SyncReport } from "./sync.js";

export interface Entry {
  name: string;
  version: number;
}

export interface Agent {
  agentId: string;
  vmId?: string;
  skills: Entry[];
  extensions: Entry[];
  /** ISO 8601. */
  lastSync: string;
}

interface AgentRow {
  agentId: string;
  vmId: string | null;
  skills: string;
  extensions: string;
  lastSync: string;
}

const COLUMNS = "agentId, vmId, skills, extensions, lastSync";

export function readAgent(db: Database, agentId: string): Agent | undefined {
  const sql = `SELECT ${COLUMNS} FROM agents WHERE agentId = ?`;
  const row = db.query<AgentRow, [string]>(sql).get(agentId);
  return row ? agentOf(row) : undefined;
}

/** Last sync newest first. */
export function listAgents(db: Database, page: Omit<Browse<unknown>, "filters">): TextPage {
  const list = {
    columns: COLUMNS,
    from: "agents",
    where: [["lastSync > ''"]] as const,
    order: ["lastSync", "agentId"],
    isDescending: true,
  };
  return browse<AgentRow>(db, list, { page, toText: (row) => JSON.stringify(agentOf(row)) });
}

/** Replaces what the agent reported before. Of too many agents those go that were not heard of for longest. */
export function writeAgent(
  db: Database,
  report: SyncReport,
  { lastSync, agentsMax }: { lastSync: string; agentsMax: number },
): void {
  const { agentId, vmId, skills, extensions } = report;
  const isNew = readAgent(db, agentId) === undefined;
  db.query(`INSERT OR REPLACE INTO agents (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`).run(
    agentId,
    vmId ?? null,
    JSON.stringify(skills.map(entryOf)),
    JSON.stringify(extensions.map(entryOf)),
    lastSync,
  );
  if (isNew) removeOldest(db, agentsMax);
}

function removeOldest(db: Database, kept: number): void {
  db.query(
    `DELETE FROM agents WHERE (lastSync, agentId) <= (
       SELECT lastSync, agentId FROM agents WHERE lastSync > ''
       ORDER BY lastSync DESC, agentId DESC LIMIT 1 OFFSET ?)`,
  ).run(kept);
}

function entryOf({ name, version }: Held): Entry {
  return { name, version };
}

function agentOf({ agentId, vmId, skills, extensions, lastSync }: AgentRow): Agent {
  return {
    agentId,
    ...(vmId !== null && { vmId }),
    skills: JSON.parse(skills),
    extensions: JSON.parse(extensions),
    lastSync,
  };
}
