// The contract of the fleet services as calls (fleet spec §2–§12): each with its status and the shape of its answer. In
// order, since later ones speak of what earlier ones made.

export interface ContractRow {
  /** Method and path; `$name` stands for what an earlier row kept. */
  call: string;
  body?: unknown;
  status: number;
  /** The keys of an object, exactly: `{id title note?}`; in brackets for a list of such; or a content type. */
  shape: string;
  /** The message of a refusal. */
  error?: string;
  /** What later rows call something in this answer, by its path: `{ task: "id" }`. */
  keep?: Record<string, string>;
  /** Without the server's token, as a visitor. */
  visitor?: true;
}

const TASK = `{id title description? status assignee? tags dependencies createdBy createdAt updatedAt notes artifacts score
  blockedBy noteCount artifactCount lease? causeId?}`;
const NOTE = "{id author content type createdAt}";
const EVENT = "{id agent type summary timestamp detail? metadata?}";
const ENTRY = "{id timestamp text agent?}";
const JOURNAL = "{id timestamp text author? mood? tags?}";
const VM = `{id name role status address services? metadata? registeredBy registeredAt lastSeen stale statusReason?}`;
const SKILL = "{id name version description content publishedBy publishedAt updatedAt tags enabled hash}";
const EXTENSION = "{id name version description content publishedBy publishedAt updatedAt enabled hash}";
const REPORT = "{id title author content tags createdAt updatedAt}";
const COMMIT = "{id commitId vmId timestamp label? agent? tags? metadata? createdAt recordedAt}";
const SESSION = `{id sessionId agent parentAgent model tokens cost turns toolCalls startedAt endedAt recordedAt taskId?
  nodeId? models?}`;
const VM_RECORD = "{id vmId role agent commitId? createdAt destroyedAt? recordedAt}";

const page = (key: string) => `{${key} count cursor}`;
const figures = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0, total: 15 };
const PANEL = "text/html; charset=utf-8";
const STREAM = "text/event-stream";
const TEXT = "text/plain; charset=utf-8";

const BOARD: ContractRow[] = [
  {
    call: "POST /board/tasks",
    body: { title: "Sweep", createdBy: "ada" },
    status: 201,
    shape: TASK,
    keep: { task: "id" },
  },
  { call: "POST /board/tasks", body: {}, status: 400, shape: "{error code}", error: "title is required" },
  { call: "GET /board/tasks?status=open", status: 200, shape: page("tasks") },
  { call: "GET /board/tasks/$task", status: 200, shape: TASK },
  { call: "GET /board/$task", status: 200, shape: TASK },
  { call: "GET /board/tasks/none", status: 404, shape: "{error code}", error: "task not found" },
  { call: "PATCH /board/tasks/$task", body: { description: "all of it" }, status: 200, shape: TASK },
  {
    call: "PATCH /board/tasks/$task",
    body: { status: "odd" },
    status: 400,
    shape: "{error code}",
    error: "invalid status: odd",
  },
  {
    call: "POST /board/tasks/$task/notes",
    body: { author: "ada", content: "begun", type: "update" },
    status: 201,
    shape: NOTE,
  },
  { call: "GET /board/tasks/$task/notes", status: 200, shape: page("notes") },
  {
    call: "POST /board/tasks/$task/artifacts",
    body: { artifacts: [{ type: "url", url: "https://example.org", label: "it" }] },
    status: 201,
    shape: TASK,
  },
  { call: "POST /board/tasks/$task/bump", status: 200, shape: TASK },
  {
    call: "POST /board/tasks/$task/claim",
    body: { agent: "bob" },
    status: 200,
    shape: "{task lease}",
    keep: { token: "lease.token" },
  },
  {
    call: "POST /board/tasks/$task/claim",
    body: { agent: "eve" },
    status: 409,
    shape: "{error code lease}",
    error: "task is claimed",
  },
  { call: "POST /board/tasks/$task/heartbeat", body: { token: "$token" }, status: 200, shape: "{lease}" },
  { call: "POST /board/tasks/$task/release", body: { token: "$token" }, status: 200, shape: TASK },
  {
    call: "POST /board/tasks/$task/heartbeat",
    body: { token: "$token" },
    status: 409,
    shape: "{error code}",
    error: "lease lost",
  },
  { call: "POST /board/tasks/$task/review", body: { summary: "swept" }, status: 200, shape: TASK },
  { call: "GET /board/review", status: 200, shape: page("tasks") },
  { call: "POST /board/tasks/$task/reject", body: { reason: "dust" }, status: 200, shape: TASK },
  { call: "POST /board/tasks/$task/approve", status: 200, shape: TASK },
  { call: "GET /board/stats", status: 200, shape: "{total byStatus blocked leased}" },
  { call: "GET /board/_panel", status: 200, shape: PANEL },
  { call: "DELETE /board/tasks/$task", status: 200, shape: "{deleted}" },
];

const FEED: ContractRow[] = [
  {
    call: "POST /feed/events",
    body: { agent: "ada", type: "custom", summary: "hi" },
    status: 201,
    shape: EVENT,
    keep: { event: "id" },
  },
  {
    call: "POST /feed/events",
    body: { type: "custom" },
    status: 400,
    shape: "{error code}",
    error: "Missing or invalid 'agent' field",
  },
  { call: "GET /feed/events?agent=ada", status: 200, shape: `[${EVENT}]` },
  { call: "GET /feed/events/$event", status: 200, shape: EVENT },
  { call: "GET /feed/events/none", status: 404, shape: "{error code}", error: "Event not found" },
  { call: "GET /feed/stats", status: 200, shape: "{total byAgent byType latestPerAgent}" },
  { call: "GET /feed/stream", status: 200, shape: STREAM },
  { call: "GET /feed/_panel", status: 200, shape: PANEL },
  { call: "DELETE /feed/events", status: 200, shape: "{ok}" },
];

const LOG: ContractRow[] = [
  { call: "POST /log", body: { text: "did it", agent: "ada" }, status: 201, shape: ENTRY },
  { call: "POST /log", body: {}, status: 400, shape: "{error code}", error: "text is required" },
  { call: "GET /log?last=1h", status: 200, shape: page("entries") },
  { call: "GET /log/raw", status: 200, shape: TEXT },
  { call: "GET /log/_panel", status: 200, shape: PANEL },
];

const JOURNAL_ROWS: ContractRow[] = [
  { call: "POST /journal", body: { text: "calm", mood: "good", tags: ["sea"] }, status: 201, shape: JOURNAL },
  {
    call: "POST /journal",
    body: { text: "x", tags: "sea" },
    status: 400,
    shape: "{error code}",
    error: "tags must be an array",
  },
  { call: "GET /journal", status: 200, shape: page("entries") },
  { call: "GET /journal/raw", status: 200, shape: TEXT },
  { call: "GET /journal/_panel", status: 200, shape: PANEL },
];

const REGISTRY: ContractRow[] = [
  {
    call: "POST /registry/vms",
    body: { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" },
    status: 201,
    shape: VM,
  },
  {
    call: "POST /registry/vms",
    body: { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" },
    status: 409,
    shape: "{error code}",
    error: "VM already registered",
  },
  {
    call: "POST /registry/vms?upsert=true",
    body: { id: "vm-1", name: "one", role: "worker", address: "one.example", registeredBy: "ada" },
    status: 201,
    shape: VM,
  },
  { call: "GET /registry/vms?role=worker", status: 200, shape: page("vms") },
  { call: "GET /registry/vms/vm-1", status: 200, shape: VM },
  { call: "GET /registry/vms/none", status: 404, shape: "{error code}", error: "VM not found" },
  { call: "PATCH /registry/vms/vm-1", body: { name: "uno" }, status: 200, shape: VM },
  { call: "POST /registry/vms/vm-1/heartbeat", status: 200, shape: "{id lastSeen}" },
  { call: "GET /registry/discover/worker", status: 200, shape: "{vms count}" },
  { call: "GET /registry/stats", status: 200, shape: "{total running paused stopped stale}" },
  { call: "GET /registry/_panel", status: 200, shape: PANEL },
  { call: "DELETE /registry/vms/vm-1", status: 200, shape: "{deleted}" },
];

const SKILLS: ContractRow[] = [
  {
    call: "POST /skills/items",
    body: { name: "tidy", description: "d", content: "# Tidy", publishedBy: "ada" },
    status: 201,
    shape: SKILL,
  },
  {
    call: "POST /skills/items",
    body: { name: "..", description: "d", content: "c", publishedBy: "ada" },
    status: 400,
    shape: "{error code}",
    error: "invalid name: ..",
  },
  { call: "GET /skills/items", status: 200, shape: page("skills") },
  { call: "GET /skills/items/tidy", status: 200, shape: SKILL },
  { call: "GET /skills/items/none", status: 404, shape: "{error code}", error: "skill not found" },
  { call: "PATCH /skills/items/tidy", body: { tags: ["home"] }, status: 200, shape: SKILL },
  { call: "GET /skills/items/tidy/versions", status: 200, shape: "{versions count}" },
  {
    call: "POST /skills/extensions",
    body: { name: "ext", description: "d", content: "export default () => {}", publishedBy: "ada" },
    status: 201,
    shape: EXTENSION,
  },
  { call: "GET /skills/extensions", status: 200, shape: page("extensions") },
  { call: "GET /skills/extensions/ext", status: 200, shape: EXTENSION },
  { call: "PATCH /skills/extensions/ext", body: { description: "e" }, status: 200, shape: EXTENSION },
  { call: "GET /skills/extensions/ext/versions", status: 200, shape: "{versions count}" },
  { call: "GET /skills/manifest", status: 200, shape: "{skills extensions revision hashes}" },
  { call: "POST /skills/sync", body: { agentId: "a1" }, status: 200, shape: "{updates}" },
  { call: "GET /skills/agents", status: 200, shape: "{agents count}" },
  { call: "GET /skills/agents/a1", status: 200, shape: "{agentId vmId? skills extensions lastSync}" },
  { call: "GET /skills/agents/none", status: 404, shape: "{error code}", error: "agent not found" },
  { call: "GET /skills/stream", status: 200, shape: STREAM },
  { call: "GET /skills/_panel", status: 200, shape: PANEL },
  { call: "DELETE /skills/items/tidy", status: 200, shape: "{deleted}" },
  { call: "DELETE /skills/extensions/ext", status: 200, shape: "{deleted}" },
  { call: "GET /skills/extensions/ext", status: 404, shape: "{error code}", error: "extension not found" },
];

const REPORTS: ContractRow[] = [
  {
    call: "POST /reports",
    body: { title: "Week", author: "ada", content: "# Done" },
    status: 201,
    shape: REPORT,
    keep: { report: "id" },
  },
  {
    call: "POST /reports",
    body: { title: "Week", author: "ada" },
    status: 400,
    shape: "{error code}",
    error: "content is required",
  },
  { call: "GET /reports", status: 200, shape: page("reports") },
  { call: "GET /reports/$report", status: 200, shape: REPORT },
  { call: "GET /reports/none", status: 404, shape: "{error code}", error: "report not found" },
  { call: "PATCH /reports/$report", body: { tags: ["week"] }, status: 200, shape: REPORT },
  { call: "GET /reports/$report/html", status: 200, shape: PANEL },
  { call: "POST /reports/$report/share", status: 201, shape: "{linkId url}", keep: { link: "linkId" } },
  { call: "GET /reports/$report/shares", status: 200, shape: "{links count}" },
  { call: "GET /reports/share/$link", status: 200, shape: PANEL, visitor: true },
  { call: "GET /reports/share/$link/og-image.svg", status: 200, shape: "image/svg+xml", visitor: true },
  { call: "GET /reports/share/$link/access", status: 200, shape: page("log") },
  { call: "DELETE /reports/share/$link", status: 200, shape: "{revoked}" },
  { call: "GET /reports/share/$link", status: 404, shape: PANEL, visitor: true },
  { call: "GET /reports/_panel", status: 200, shape: PANEL },
  { call: "DELETE /reports/$report", status: 200, shape: "{deleted}" },
];

const COMMITS: ContractRow[] = [
  {
    call: "POST /commits",
    body: { commitId: "c-1", vmId: "vm-1", tags: ["golden"] },
    status: 201,
    shape: COMMIT,
  },
  {
    call: "POST /commits",
    body: { commitId: "c-1", vmId: "vm-1" },
    status: 409,
    shape: "{error code}",
    error: "commit already recorded",
  },
  { call: "GET /commits?tag=golden", status: 200, shape: page("commits") },
  { call: "GET /commits/c-1", status: 200, shape: COMMIT },
  { call: "GET /commits/none", status: 404, shape: "{error code}", error: "Commit not found" },
  { call: "GET /commits/_panel", status: 200, shape: PANEL },
  { call: "DELETE /commits/c-1", status: 200, shape: "{deleted}" },
];

const USAGE: ContractRow[] = [
  {
    call: "POST /usage/sessions",
    body: {
      sessionId: "s-1",
      agent: "ada",
      model: "m",
      tokens: figures,
      cost: figures,
      turns: 1,
      startedAt: "2026-01-01T00:00:00Z",
      endedAt: "2026-01-01T00:01:00Z",
    },
    status: 201,
    shape: SESSION,
  },
  {
    call: "POST /usage/sessions",
    body: { sessionId: "s-1", agent: "ada" },
    status: 400,
    shape: "{error code}",
    error: "model is required",
  },
  { call: "GET /usage?range=all", status: 200, shape: "{range totals byAgent exact byModel byTask}" },
  { call: "GET /usage?range=odd", status: 400, shape: "{error code}", error: "invalid range: odd" },
  { call: "GET /usage/sessions", status: 200, shape: page("sessions") },
  {
    call: "POST /usage/vms",
    body: { vmId: "vm-1", agent: "ada", createdAt: "2026-01-01T00:00:00Z" },
    status: 201,
    shape: VM_RECORD,
  },
  { call: "GET /usage/vms", status: 200, shape: page("vms") },
  { call: "GET /usage/_panel", status: 200, shape: PANEL },
];

const SCAFFOLD: ContractRow[] = [
  { call: "POST /scaffold/preview", body: { name: "tide" }, status: 200, shape: "{name files count}" },
  {
    call: "POST /scaffold/preview",
    body: {},
    status: 400,
    shape: "{error code}",
    error: "name is required (string)",
  },
  {
    call: "POST /scaffold/create",
    body: { name: "tide" },
    status: 201,
    shape: "{name files count directory loaded? loadError?}",
  },
  {
    call: "POST /scaffold/create",
    body: { name: "tide" },
    status: 409,
    shape: "{error code}",
    error: 'service directory "tide" already exists',
  },
  { call: "GET /scaffold/_panel", status: 200, shape: PANEL },
];

/** No registry can be reached from a test of all services; `updater`'s own tests bring one along. */
const UPDATER: ContractRow[] = [
  {
    call: "GET /updater/status",
    status: 200,
    shape:
      "{package current latest updateAvailable lastChecked checking applying pollInterval autoApply history}",
  },
  { call: "POST /updater/check", status: 502, shape: "{error code}" },
  {
    call: "POST /updater/apply",
    status: 409,
    shape: "{error code}",
    error: "not installed from npm: update with git",
  },
  { call: "GET /updater/_panel", status: 200, shape: PANEL },
];

export const CONTRACT: ContractRow[] = [
  BOARD,
  FEED,
  LOG,
  JOURNAL_ROWS,
  REGISTRY,
  SKILLS,
  REPORTS,
  COMMITS,
  USAGE,
  SCAFFOLD,
  UPDATER,
].flat();
