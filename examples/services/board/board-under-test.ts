// A board for its tests: with a file of its own, asked over HTTP in process, and heard on the bus.
import { createTestHarness, type RequestOptions, type TestHarness } from "#core/testing.js";
import type { ServiceModule } from "#core/types.js";
import board from "./index.js";
import { createRoutes } from "./routes.js";
import { type BoardOptions, openBoard } from "./store.js";
import type { Lease, Task } from "./task.js";

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it.
  data: any;
  headers: Headers;
}

export interface TestBoard {
  harness: TestHarness;
  /** What was fired since the last look: name and payload. */
  told(): [event: string, payload: unknown][];
  ask(call: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  create(task?: Partial<Task>): Promise<Task>;
  claim(task: Task, agent: string, more?: object): Promise<{ task: Task; lease: Lease }>;
  read(task: Task): Promise<Task>;
}

const EVENTS = [
  "board:task_created",
  "board:task_updated",
  "board:task_deleted",
  "board:lease_expired",
  "reef:event",
];

/** With `now`, on a clock that the test sets; with `dataDir`, where another one stopped. */
export async function startBoard({
  dataDir,
  ...options
}: BoardOptions & { dataDir?: string } = {}): Promise<TestBoard> {
  const module = Object.keys(options).length === 0 ? board : boardWith(options);
  const harness = await createTestHarness({ services: [module], ...(dataDir && { dataDir }) });
  const events: [string, unknown][] = [];
  for (const event of EVENTS) harness.events.on(event, (payload) => events.push([event, payload]));

  /** `POST /tasks`; a body of undefined is none at all. */
  function ask(call: string, body?: unknown, headers: Record<string, string> = {}) {
    const [method = "", path = ""] = call.split(" ");
    const options: RequestOptions = { method, body, headers, auth: true };
    return harness.json(`/board${path}`, options);
  }

  async function done<T>(call: string, body?: unknown): Promise<T> {
    const { status, data } = await ask(call, body);
    if (status < 300) return data;
    throw new Error(`${call}: ${status} ${JSON.stringify(data)}`);
  }

  return {
    harness,
    told: () => events.splice(0),
    ask,
    create: (task = {}) => done("POST /tasks", { title: "Sweep", createdBy: "ada", ...task }),
    claim: ({ id }, agent, more = {}) => done(`POST /tasks/${id}/claim`, { agent, ...more }),
    read: ({ id }) => done(`GET /tasks/${id}`),
  };
}

function boardWith(options: BoardOptions): ServiceModule {
  return {
    ...board,
    async init(ctx) {
      this.routes = createRoutes(await openBoard(ctx, options), ctx);
    },
  };
}
