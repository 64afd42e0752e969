// What the documentation says of the routes of /reef.
import type { ParamDoc, RouteDocs } from "../core/types.js";

const text = (description: string, required = false): ParamDoc => ({ type: "string", required, description });
const number = (description: string): ParamDoc => ({ type: "number", description });
const name = { name: text("Name of the task", true) };
const id = { id: text("Id of the node", true) };
const paging = {
  limit: number("Entries on a page"),
  cursor: text("`nextCursor` of the page before"),
};
const stream = {
  since: number("Replay what came after this seq"),
  types: text("Only these frame types, comma-separated"),
  live: text("0 leaves frames without an id out"),
};

export const routeDocs: Record<string, RouteDocs> = {
  "POST /submit": {
    summary: "Submit a task, or continue a conversation",
    detail:
      "Answers 202 when the prompt is on disk. The same Idempotency-Key with the same body gives the first answer again for 24 hours. Without taskId and parentId the task starts fresh; a known taskId that is over continues at its leaf; parentId continues from that node.",
    body: {
      task: text("What to do", true),
      taskId: text("Name of the task; made up when absent"),
      parentId: text("Node to continue from"),
      model: text("provider/id"),
      thinking: text("off, minimal, low, medium, high or xhigh"),
      cwd: text("Absolute path of an existing folder"),
      priority: number("-10 to 10; higher starts first"),
      timeoutSeconds: number("Running time allowed; 0 = no limit"),
      scopes: {
        type: "string[]",
        description: "What the task may do: modules, submit, deploy, admin (operators only)",
      },
      profile: { type: "object", description: "systemPrompt, appendSystemPrompt, tools (operators only)" },
    },
    response: "{ id, status, prompt, nodeId, parentId, seq }",
  },
  "GET /tasks": {
    summary: "List tasks, oldest first",
    query: {
      order: text("oldest or newest first"),
      status: text("One or several statuses, comma-separated"),
      ...paging,
    },
    response: "{ tasks, count, nextCursor? }",
  },
  "GET /tasks/:name": {
    summary: "One task with the conversation up to its leaf",
    params: name,
    query: { wait: number("Seconds to wait for its end, 0 to 60") },
    response: "{ name, status, leafId, nodes, … }",
  },
  "POST /tasks/:name/cancel": {
    summary: "Cancel a task; answers when its processes are gone",
    params: name,
    body: {
      reason: text("Why"),
      children: { type: "boolean", description: "Its sub-tasks too (default true)" },
    },
    response: "{ id, status, nodeId }",
  },
  "POST /tasks/:name/steer": {
    summary: "Say something to a task that is not over",
    params: name,
    body: {
      message: text("What to say", true),
      mode: text("steer (before its next model call) or follow_up"),
    },
    response: "{ id, nodeId }",
  },
  "POST /tasks/:name/answer": {
    summary: "Answer a question of a task",
    params: name,
    body: {
      nodeId: text("The question; may be left out when one is open"),
      value: text("Answer to select, input and editor"),
      confirmed: { type: "boolean", description: "Answer to confirm" },
      cancelled: { type: "boolean", description: "Answer to any" },
    },
    response: "{ id, nodeId }",
  },
  "GET /runs": {
    summary: "Live runs, by start time",
    detail: "From the hand-over to a pi process until that process is gone.",
    response:
      "{ runs: [{ taskId, nodeId, pid, status, model, thinking, cwd, attempt, startedAt, elapsedMs, turns, toolCalls, currentTool?, usage, pending }], count }",
  },
  "GET /runs/:taskId": {
    summary: "The live run of a task",
    params: { taskId: name.name },
    response:
      "{ taskId, nodeId, pid, status, model, thinking, cwd, attempt, startedAt, elapsedMs, turns, toolCalls, currentTool?, usage, pending }",
  },
  "GET /runs/:taskId/events": {
    summary: "Server-sent events of a task's newest turn, from its prompt to its end",
    detail: "Resumable like GET /reef/events; closes after the frame with which the turn ends.",
    params: { taskId: name.name },
    query: stream,
    response: "text/event-stream",
  },
  "GET /pending": { summary: "Open questions, oldest first", response: "{ pending, count }" },
  "GET /tree": {
    summary: "The whole tree, a page of it, or a drawing",
    query: {
      since: number("Oldest nodes with a greater seq"),
      before: number("Newest nodes with a smaller seq"),
      limit: number("Nodes on a page, at most 5000"),
      root: text("Only this node and what hangs under it"),
      ancestors: text("1 adds the way to the root"),
      format: text("json or text"),
      depth: number("Levels of the drawing"),
      width: number("Characters of a text in the drawing (120)"),
      all: text("1 draws the bookkeeping of runs too"),
    },
    response: "{ nodes, refs, tasks, root, archivedTasks, seq, nextCursor? }",
  },
  "GET /tree/:id": {
    summary: "A node and its children",
    params: id,
    query: paging,
    response: "{ node, children, nextCursor? }",
  },
  "GET /tree/:id/path": { summary: "The way from the root to a node", params: id, response: "{ path }" },
  "GET /tree/:id/conversation": {
    summary: "The way from the root to a node, each turn on it whole, in the order of `seq`",
    params: id,
    response: "{ nodes }",
  },
  "GET /tree/:id/why": {
    summary: "The way from a node to what caused it, up to the root",
    params: id,
    response: "{ node, chain }",
  },
  "GET /tree/:id/effects": {
    summary: "Everything that a node led to",
    params: id,
    query: { ...paging, types: text("Roles or event types, comma-separated") },
    response: "{ node, effects, count, totals, nextCursor? }",
  },
  "GET /search": {
    summary: "Full-text search over the tree, newest first",
    detail:
      "Every word of q has to be in a node; quotes make a phrase, and there is no other syntax. Searched are contents, the arguments of calls and the texts of results, of each node the first 65536 characters. Without q the filters alone decide.",
    query: {
      q: text("Words and phrases"),
      taskId: text("Only these tasks, comma-separated"),
      types: text("Only these roles or event types, comma-separated"),
      source: text("Only events of these sources, comma-separated"),
      errors: text("1: only what failed"),
      from: number("Not made before, epoch milliseconds"),
      to: number("Not made after, epoch milliseconds"),
      ...paging,
    },
    response: "{ results: [{ node, snippet }], count, nextCursor?, indexedSeq }",
  },
  "GET /refs": { summary: "Where the refs point", response: "{ refs }" },
  "PUT /refs/:name": {
    summary: "Move a ref, or make one",
    detail:
      "A task's ref moves while the task is over, and the task then goes on from there. 409 with `actual` when the ref is not where it is expected.",
    params: { name: text("Name of the ref", true) },
    body: {
      nodeId: text("Where it is to point", true),
      expected: {
        type: "string",
        description: "Where it has to be now; null = it must not exist. Required for main",
      },
    },
    response: "{ name, nodeId, previous }",
  },
  "DELETE /refs/:name": {
    summary: "Delete a ref that is neither main nor a task's",
    params: { name: text("Name of the ref", true) },
    response: "{ deleted }",
  },
  "GET /state": {
    summary: "Counts and live services",
    response: "{ mode, activeTasks, queuedTasks, totalTasks, totalNodes, seq, services }",
  },
  "GET /events": {
    summary: "Server-sent events, resumable",
    detail:
      "Frames with an id are committed nodes and can be replayed by Last-Event-ID; frames without one are live only.",
    query: { ...stream, taskId: text("Only these tasks, comma-separated") },
    response: "text/event-stream",
  },
  "GET /tools": { summary: "The tools of the live services", response: "{ tools, count, version }" },
  "POST /tools/:name": {
    summary: "Run a tool",
    params: { name: text("Name of the tool", true) },
    body: {
      params: { type: "object", description: "Its parameters" },
      toolCallId: text("The call that this is"),
    },
    response: "{ content, details?, isError? }",
  },
  "POST /agent-events": {
    summary: "What an agent elsewhere reports, for the behaviors of services",
    detail:
      "Events of one session in order; none at all says that it is still there. After 5 minutes without a report the session counts as shut down.",
    body: {
      session: text("The agent's session", true),
      events: { type: "object[]", required: true, description: "{ name, data?, at? }, at most 1000" },
    },
    response: "202 { accepted }",
  },
  "GET /widget": { summary: "Lines for an agent's terminal", response: "{ lines }" },
};
