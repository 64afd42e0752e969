// A service's folder as one file that another reef can install: a packed tar, and in the headers what it is.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Context } from "hono";
import type { RegistryFace } from "#core/types.js";
import { liveModule, unknownModule } from "./find.js";
import { tarEnd, tarEntry } from "./tar.js";
import { createTurns } from "./turns.js";

/** An archive is made in memory. */
const AT_ONCE_MAX = 2;
const WAITING_MAX = 50;
/** Clients take no headers of any length. */
const DESCRIPTION_BYTES_MAX = 4_096;
/** Where a gzip file names the system on which it was made, and the name for none. */
const SYSTEM_AT = 9;
const NO_SYSTEM = 255;

export function createExport(registry: RegistryFace): (c: Context) => Promise<Response> {
  const turns = createTurns({ atOnceMax: AT_ONCE_MAX, waitingMax: WAITING_MAX });
  return async (c) => {
    const asked = c.req.param("name") ?? "";
    const module = liveModule(registry, asked);
    if (!module || module.dir === null) throw unknownModule(asked);
    const { name, dir, description } = module;
    const { archive, hash } = await turns.take(name, () => pack(registry, dir));
    return c.body(archive, 200, {
      "Content-Type": "application/gzip",
      "Content-Disposition": `attachment; filename="${name}.tar.gz"`,
      "X-Service-Name": name,
      "X-Service-Hash": hash,
      "X-Service-Description": headerText(description ?? ""),
    });
  };
}

async function pack(
  registry: RegistryFace,
  dir: string,
): Promise<{ archive: Uint8Array<ArrayBuffer>; hash: string }> {
  const parts: Uint8Array[] = [];
  const hash = await registry.contents(dir, ({ path, mode }, bytes) => {
    parts.push(...tarEntry(`${dir}/${path}`, mode, bytes));
  });
  const archive = await promisify(gzip)(Buffer.concat([...parts, tarEnd()]));
  archive[SYSTEM_AT] = NO_SYSTEM;
  return { archive: new Uint8Array(archive), hash };
}

/** Printable ASCII but for `%` as it is, all else as percent-encoded UTF-8, so that a header takes any text. */
export function headerText(text: string): string {
  let encoded = "";
  for (const char of text.toWellFormed()) {
    const next = /[ -$&-~]/.test(char) ? char : percentEncoded(char);
    if (encoded.length + next.length > DESCRIPTION_BYTES_MAX) break;
    encoded += next;
  }
  return encoded;
}

function percentEncoded(char: string): string {
  return [...Buffer.from(char)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}
