// Cursors: where a page of a list ended, as an opaque text that only the same list takes back.
import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ReefError } from "./errors.js";

export function writeCursor(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

/** Throws `invalid cursor` for a text that holds anything else. */
export function readCursor<S extends TSchema>(cursor: string, content: S): Static<S> {
  const value = decode(cursor);
  if (Value.Check(content, value)) return value;
  throw new ReefError("bad_request", "invalid cursor");
}

/** Undefined for what no cursor decodes to. */
function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch (error) {
    return error instanceof SyntaxError ? undefined : error;
  }
}
