// `Idempotency-Key`: what was asked for under a key is done once, and answered in the same way for a day, also after a
// restart, also after a crash between the work and its answer.
import type { Context } from "hono";
import { causeWith } from "./cause.js";
import { ReefError } from "./errors.js";
import { type KeyLimits, KeyRows, type Outcome } from "./idempotency-rows.js";
import type { openStorage } from "./storage.js";
import type { Caller } from "./types.js";

const KEY_CHARS_MAX = 200;

/** One piece of work, however often it is asked for. */
export interface Operation {
  /** A ULID, the same in every attempt: where the work leaves it behind, a later attempt can look for it. */
  id: string;
  /** An attempt before this one began and never came to an answer, so the work may have been done. */
  isRetry: boolean;
}

/**
 * What it returns is kept and answered again, a failure with a status of its own too. A ReefError is a refusal: nothing
 * was done, and the key is free again. Any other error leaves open what was done; the next attempt is then a retry.
 */
export type Work<O> = (operation: O) => Promise<Outcome>;

export interface KeyedRequest {
  key: string;
  /** Keys of one scope are one caller's, for one route. */
  scope: string;
  body: string;
}

export interface IdempotencyKeys {
  once(request: KeyedRequest, work: Work<Operation>): Promise<Outcome>;
}

/** Call it in `init`. The keys of a module are in a file of their own, `DATA_DIR/<module>_idempotency.sqlite`. */
export function openIdempotencyKeys(
  ctx: Parameters<typeof openStorage>[0],
  limits: Partial<KeyLimits> = {},
): IdempotencyKeys {
  const rows = new KeyRows(ctx, limits);
  const running = new Map<string, { hash: string; over: Promise<void> }>();

  async function attempt(
    { key, scope }: KeyedRequest,
    hash: string,
    work: Work<Operation>,
  ): Promise<Outcome> {
    const { id, isRetry, ...kept } = await rows.begin(scope, key, hash);
    if (kept.hash !== hash) throw otherBody(key);
    if (kept.outcome) return { ...kept.outcome, replayed: true };
    const outcome = await work({ id, isRetry }).catch(async (error) => {
      if (error instanceof ReefError && !isRetry) await rows.release(id);
      throw error;
    });
    await rows.keep(id, outcome).catch((error) => {
      ctx.log.error(`the answer under the Idempotency-Key '${key}' could not be kept:`, error);
    });
    return outcome;
  }

  return {
    async once(request, work) {
      const place = JSON.stringify([request.scope, request.key]);
      const hash = new Bun.CryptoHasher("sha256").update(request.body).digest("hex");
      for (let other = running.get(place); other; other = running.get(place)) {
        if (other.hash !== hash) throw otherBody(request.key);
        await other.over;
      }
      const { promise: over, resolve } = Promise.withResolvers<void>();
      running.set(place, { hash, over });
      try {
        return await attempt(request, hash, work);
      } finally {
        running.delete(place);
        resolve();
      }
    },
  };
}

/**
 * Answers a request by the work that it asks for. Under an `Idempotency-Key` that work is done once: the same key and
 * body give the first answer again, with `Idempotency-Replayed: true`; another body is 409. Keys are the caller's own.
 * Without a key there is no operation.
 */
export async function idempotent(
  c: Context,
  keys: IdempotencyKeys,
  work: Work<Operation | undefined>,
): Promise<Response> {
  const request = await keyedRequest(c);
  const { status, body, replayed } = request ? await keys.once(request, work) : await work(undefined);
  if (replayed) c.header("Idempotency-Replayed", "true");
  return c.json(body, status);
}

/** For answers of another form, such as a stream; undefined without a key. */
export async function keyedRequest(c: Context): Promise<KeyedRequest | undefined> {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return undefined;
  if (key === "" || key.length > KEY_CHARS_MAX)
    throw new ReefError("bad_request", `Idempotency-Key must have 1 to ${KEY_CHARS_MAX} characters`);
  return { key, scope: scopeOf(c, causeWith({}).caller), body: await c.req.text() };
}

/** What one task or job was answered is not for another. */
function scopeOf(c: Context, { kind, taskId, jobId, panel }: Caller): string {
  return JSON.stringify([kind, taskId, jobId, panel, c.req.method, c.req.path]);
}

function otherBody(key: string): ReefError {
  return new ReefError("conflict", `Idempotency-Key '${key}' was used with another body`);
}
