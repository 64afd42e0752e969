// What the routes take: their bodies, checked.
import { type Static, Type } from "@sinclair/typebox";
import type { Context } from "hono";
import { readBody, refused } from "#core/http.js";

const SOURCE_CHARS_MAX = 2_048;
const NAME_CHARS_MAX = 256;
const TOKEN_CHARS_MAX = 4_096;

const source = Type.String({ minLength: 1, maxLength: SOURCE_CHARS_MAX });
const name = Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX });
const token = Type.String({
  minLength: 1,
  maxLength: TOKEN_CHARS_MAX,
  pattern: "^[\\x21-\\x7e]+$",
  errorMessage: "token must be printable ASCII without spaces",
});
/** One of another form is one that does not match. */
const hash = name;
const seed = Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX, pattern: "^[^\\x00-\\x1f\\x7f]+$" });
const force = Type.Boolean();

const InstallBody = Type.Partial(Type.Object({ source, from: source, name, token, ref: name, seed, hash }));
const UpdateBody = Type.Object({ name, token: Type.Optional(token), force: Type.Optional(force) });
const RemoveBody = Type.Object({ name, force: Type.Optional(force) });

interface Pins {
  seed?: string;
  /** The content has to have it. */
  hash?: string;
}
export type InstallRequest = Pins &
  ({ source: string; name?: string; ref?: string } | { from: string; name: string; token?: string });
export type UpdateRequest = Static<typeof UpdateBody>;
export type RemoveRequest = Static<typeof RemoveBody>;

export async function readInstall(c: Context): Promise<InstallRequest> {
  const { source, from, name, token, ref, seed, hash } = await readBody(c, InstallBody);
  if (source !== undefined && from !== undefined) throw refused("source and from exclude each other");
  if (source !== undefined) return { source, name, ref, seed, hash };
  if (from === undefined) throw refused("source is required");
  if (name === undefined) throw refused("name is required");
  return { from: from.replace(/\/$/, ""), name, token, seed, hash };
}

export function readUpdate(c: Context): Promise<UpdateRequest> {
  return readBody(c, UpdateBody);
}

export function readRemove(c: Context): Promise<RemoveRequest> {
  return readBody(c, RemoveBody);
}
