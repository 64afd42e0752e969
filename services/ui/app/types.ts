// What the server answers with, as far as the dashboard looks at it.

export type Role = "system" | "user" | "assistant" | "tool_call" | "tool_result" | "event";

export interface TreeNode {
  id: string;
  seq: number;
  parentId: string | null;
  role: Role;
  content: string;
  timestamp: number;
  taskId?: string;
  causeId?: string;
  source?: string;
  eventType?: string;
  meta?: Record<string, unknown>;
  toolName?: string;
  toolParams?: unknown;
  toolCallId?: string;
  result?: ToolResult;
  isError?: boolean;
}

/** A node outside of the window, known because it is above one in it. */
export interface AncestorStub {
  id: string;
  parentId: string | null;
  role: Role;
  content: string;
}

export interface ToolResult {
  content: ({ type: "text"; text: string } | { type: "image"; data: string; mimeType: string })[];
  details?: unknown;
  isError?: boolean;
}

export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  /** US dollars; 0 also where the price is not known. */
  cost: number;
}

export interface SessionInfo {
  mode: "session" | "dev";
  /** ISO 8601; null for one that does not end. */
  expiresAt: string | null;
  /** No provider's key is set: the bundled model answers. */
  offline: boolean;
}

export type TaskStatus = "queued" | "running" | "waiting" | "done" | "error" | "cancelled";

export interface TaskInfo {
  status: TaskStatus;
  trigger: string;
  createdAt: number;
  startedAt?: number;
  completedAt?: number;
  artifacts?: { summary: string; error?: string };
  nodeId: string;
  leafId: string;
  attempt: number;
  /** How often it was asked. */
  turns: number;
  queuePosition?: number;
  model?: string;
  submittedBy: string;
  pending: string[];
  usage: Usage;
}

export type NamedTask = TaskInfo & { name: string };

export interface TreePage {
  nodes: Record<string, TreeNode>;
  ancestors?: Record<string, AncestorStub>;
  refs: Record<string, string>;
  tasks: Record<string, TaskInfo>;
  root: string;
  seq: number;
  nextCursor?: string;
}

/** A frame of `/reef/events`. One with a `seq` stands for a committed node. */
export interface Frame {
  type: string;
  seq?: number;
  nodeId?: string;
  parentId?: string | null;
  taskId?: string;
  [field: string]: unknown;
}

export interface ServiceStatus {
  name: string;
  description: string | null;
  dir: string | null;
  hash: string | null;
  loadedAt: string;
  loadMs: number;
  isolation: "none" | "process";
  pinned?: string;
  probationUntil?: string;
  lastError?: { at: string; message: string };
  hasRoutes: boolean;
  hasTools: boolean;
  hasBehaviors: boolean;
  hasWidget: boolean;
  dependencies: string[];
  holds: { kind: string; label: string; count: number }[];
}

/** What a service brings, as the manifest tells it. */
export interface ManifestService {
  name: string;
  routes?: Record<string, { description: string | null }>;
  features: string[];
  provides?: string[];
  tools?: string[];
}

export interface ServiceProblem {
  dir: string;
  name?: string;
  state: "failed" | "unmet" | "disabled" | "held";
  error?: string;
}

export interface PanelInfo {
  name: string;
  title: string;
  version: string;
}
