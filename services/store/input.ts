// What the routes of the store accept: keys, values and times, checked where they come in.
import { Type } from "@sinclair/typebox";
import { ReefError } from "#core/errors.js";

const KEY_BYTES_MAX = 512;
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Room for a value in which every character is escaped. */
export const BODY_BYTES_MAX = 6 * VALUE_BYTES_MAX + 4096;
/** Deeper values cannot be written as JSON again everywhere. */
const VALUE_LEVELS_MAX = 500;
const TTL_SECONDS_MAX = 10 * 365 * 24 * 3600;
const WAIT_SECONDS_MAX = 60;

export const PutBody = Type.Object({
  value: Type.Unknown(),
  ttl: Type.Optional(Type.Number()),
});

/** Everything after `/store/`, decoded once. Taken from the URL itself, for hono decodes the path that it routes by. */
export function keyIn(url: string): string {
  const [, , ...segments] = new URL(url).pathname.split("/");
  const key = decoded(segments.join("/"));
  const bytes = Buffer.byteLength(key);
  if (bytes >= 1 && bytes <= KEY_BYTES_MAX) return key;
  throw new ReefError("bad_request", `key must be 1 to ${KEY_BYTES_MAX} bytes. Received: ${bytes} bytes`);
}

/** A value as the JSON text that is stored. */
export function jsonOf(value: unknown): string {
  if (isDeeper(value, VALUE_LEVELS_MAX)) {
    throw new ReefError("bad_request", `value must not be nested deeper than ${VALUE_LEVELS_MAX} levels`);
  }
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes <= VALUE_BYTES_MAX) return json;
  throw new ReefError(
    "too_large",
    `value is larger than ${VALUE_BYTES_MAX} bytes of JSON. Received: ${bytes}`,
    {
      limit: VALUE_BYTES_MAX,
    },
  );
}

/** A lifetime in milliseconds, at least one. */
export function ttlMsOf(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > 0 && seconds <= TTL_SECONDS_MAX) return Math.max(1, Math.round(seconds * 1000));
  const expected = `ttl must be a number of seconds above 0 and at most ${TTL_SECONDS_MAX}`;
  throw new ReefError("bad_request", `${expected}. Received: ${seconds}`);
}

/** `?wait=<seconds>` in milliseconds. */
export function waitMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= WAIT_SECONDS_MAX) return seconds * 1000;
  const expected = `wait must be a number of seconds from 0 to ${WAIT_SECONDS_MAX}`;
  throw new ReefError("bad_request", `${expected}. Received: ${JSON.stringify(text)}`);
}

/** `?version=<n>`: the version that the caller has seen; 0 for none. */
export function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ReefError(
    "bad_request",
    `version must be an integer of at least 0. Received: ${JSON.stringify(text)}`,
  );
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    throw new ReefError("bad_request", "key is not valid percent-encoded UTF-8", {}, { cause: error });
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
