// The feed: keeps the newest events, and tells of each one after its commit the streams, the bus and the tree.
import {
  asUlid,
  createFanOut,
  type FanOut,
  follow,
  plainLine,
  type Range,
  readRows,
  type TextPage,
  ulid,
} from "#core/http.js";
import { openStorage } from "#core/storage.js";
import type { ServiceContext } from "#core/types.js";
import { type EventInput, eventOf, type FeedEvent, isRoutine } from "./event.js";
import {
  countEvents,
  type EventRow,
  type Filter,
  insertEvent,
  listing,
  MIGRATIONS,
  matches,
  readEnds,
  readEvent,
  readStats,
  removeAll,
  removeOldest,
  type Stats,
} from "./rows.js";

const EVENTS_MAX = 100_000;
/** Removed together, when so many are too many. */
const PRUNE_ROWS = 1_000;

export interface Feed {
  /** Resolves when it is on disk, and everybody who follows was told. `isEcho`: the tree knows of it already. */
  publish(input: EventInput, options?: { isEcho?: boolean }): Promise<FeedEvent>;
  /** The JSON of an event. */
  read(id: string): string | undefined;
  list(range: Range, filter: Filter): TextPage;
  stats(): Stats;
  count(): number;
  /** Removes every event. */
  clear(): Promise<void>;
  readonly streams: FanOut<Filter>;
}

export interface FeedOptions {
  now?: () => number;
  eventsMax?: number;
  pruneRows?: number;
  clientsMax?: number;
}

export function openFeed(ctx: ServiceContext, options: FeedOptions = {}): Feed {
  const { now = Date.now, eventsMax = EVENTS_MAX, pruneRows = PRUNE_ROWS, clientsMax } = options;
  const storage = openStorage(ctx, { migrations: MIGRATIONS });
  const { read } = storage;
  const nextId = ulid({ after: readEnds(read).newest, now });
  const streams = createFanOut<EventRow, Filter>(
    ctx,
    {
      read: (after, { limit, bytesMax, filter = {} }) =>
        readRows<EventRow>(
          read,
          { ...listing(filter), order: ["id"] },
          { after: [after], limit, bytesMax, toText: ({ json }) => json },
        ).rows,
      matches,
      newest: () => readEnds(read).newest,
      removed: () => readEnds(read).removed,
      oldest: () => readEnds(read).oldest,
    },
    clientsMax === undefined ? {} : { clientsMax },
  );

  return {
    streams,
    async publish(input, { isEcho = false } = {}) {
      const event = await storage.write((db) => {
        const event = eventOf(nextId(), input);
        insertEvent(db, { id: event.id, agent: event.agent, type: event.type, json: JSON.stringify(event) });
        if (countEvents(db) >= eventsMax + pruneRows) removeOldest(db, pruneRows);
        return event;
      });
      streams.advance(event.id);
      ctx.events.fire("feed:event", { event });
      if (!isEcho && !isRoutine(event)) ctx.events.fire("reef:event", treeEvent(event));
      return event;
    },
    read(text) {
      const id = asUlid(text);
      return id === undefined ? undefined : readEvent(read, id);
    },
    list: (range, filter) => follow<EventRow>(read, listing(filter), { range, toText: ({ json }) => json }),
    stats: () => readStats(read),
    count: () => countEvents(read),
    async clear() {
      await storage.write(removeAll);
      streams.cleared();
    },
  };
}

function treeEvent({ id, agent, summary, metadata }: FeedEvent): Record<string, unknown> {
  const content = plainLine(`${agent}: ${summary}`);
  const { taskId } = metadata ?? {};
  return {
    type: "feed_event",
    source: "feed",
    content,
    eventId: id,
    ...(typeof taskId === "string" && { taskId: plainLine(taskId) }),
  };
}
