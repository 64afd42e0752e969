// Frames that services send on their way to a result: they go to who listens at that moment, and are never stored.
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { jsonOf } from "./causes.js";

/** As for events of pi that are passed on. */
const FRAME_BYTES_MAX = 64 * 1024;

const LiveFrame = Type.Object({ type: Type.String({ minLength: 1 }), taskId: Type.Optional(Type.String()) });

/** What a service fired as `reef:frame`; undefined for what is no frame, no JSON, or too much. */
export function liveFrame(given: unknown): { type: string; taskId?: string } | undefined {
  if (!Value.Check(LiveFrame, given)) return undefined;
  const json = jsonOf(given);
  return json !== undefined && Buffer.byteLength(json) <= FRAME_BYTES_MAX ? JSON.parse(json) : undefined;
}
