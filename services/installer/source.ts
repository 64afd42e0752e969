// What a source may look like, and what it means: text → where the service comes from. Pure; nothing is looked up here.
import { ReefError } from "#core/errors.js";

/** Where a service comes from, as far as its text tells. */
export type Source =
  | { kind: "path"; path: string }
  | { kind: "remote"; url: string; ref?: string; folder: string }
  | { kind: "example"; folder: string };

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;
const USER = /^[a-z0-9_][a-z0-9._-]*$/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const WITH_DOMAIN = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?\/./i;
const USER_AND_REPO = /^[a-z0-9][a-z0-9_-]*\/[a-z0-9_.-]+(?:@[^/@]*)?$/i;

/** The first form that fits counts. Throws `bad_request` for what fits none. */
export function parseSource(text: string): Source {
  refuseTricks("source", text);
  if (/^\.{0,2}\//.test(text)) return { kind: "path", path: text };
  if (text.startsWith("git@")) return parseScp(text);
  if (/^(?:https|ssh):\/\//i.test(text)) return parseUrl(text, text);
  if (WITH_DOMAIN.test(text)) return parseUrl(`https://${text}`, text);
  if (USER_AND_REPO.test(text)) return parseUrl(`https://github.com/${text}`, text);
  if (text.startsWith("example:")) return { kind: "example", folder: text.slice("example:".length) };
  if (!SCHEME.test(text)) throw unreadable(text);
  throw new ReefError("bad_request", `Unsupported source: ${text} (use https, ssh or a local path)`);
}

/** The text after the last `@`, when that can be a ref. */
export function splitRef(text: string): { rest: string; ref?: string } {
  const at = text.lastIndexOf("@");
  if (at < 0 || text.includes("/", at)) return { rest: text };
  return { rest: text.slice(0, at), ref: text.slice(at + 1) };
}

/** What git could take for an option, a refspec or a pattern is no ref. */
export function checkRef(ref: string): string {
  refuseTricks("ref", ref);
  if (/^$|^[+./@]$|^[+./]|[\s~^:?*[\\]|\.\.|@\{|\/\/|[./]$|\.lock$/.test(ref))
    throw new ReefError("bad_request", `invalid ref "${ref}"`);
  return ref;
}

/** The last segment of a path or URL, without `.git`. */
export function folderOf(path: string): string {
  return (path.replace(/\/+$/, "").split("/").at(-1) ?? "").replace(/\.git$/, "");
}

/** What git or a terminal would take for more than a name. */
export function refuseTricks(field: string, text: string): void {
  if (text.startsWith("-")) throw new ReefError("bad_request", `${field} must not begin with "-"`);
  if (/\p{Cc}/u.test(text)) throw new ReefError("bad_request", `${field} must not hold control characters`);
}

function parseScp(text: string): Source {
  const [, host = "", path = ""] = /^git@([^:/@]+):(.+)$/.exec(text) ?? [];
  const { rest, ref } = splitRef(path);
  if (!HOST.test(host) || rest === "" || rest.startsWith("-")) throw unreadable(text);
  return {
    kind: "remote",
    url: `git@${host}:${rest}`,
    ...checked(ref),
    folder: folderOf(rest.replace(/^.*:/, "")),
  };
}

function parseUrl(address: string, text: string): Source {
  if (/^https:\/\/[^/]*@|^ssh:\/\/[^/@]*:[^/]*@/i.test(address)) throw withSecret();
  const { rest, ref } = splitRef(address);
  const url = URL.parse(rest);
  if (!url || url.pathname.length < 2 || url.search || url.hash) throw unreadable(text);
  if (!HOST.test(url.hostname) || (url.username && !USER.test(url.username))) throw unreadable(text);
  return { kind: "remote", url: url.href, ...checked(ref), folder: folderOf(url.pathname) };
}

function checked(ref: string | undefined): { ref?: string } {
  return ref === undefined ? {} : { ref: checkRef(ref) };
}

function unreadable(text: string): ReefError {
  return new ReefError("bad_request", `Cannot parse source: ${text}`);
}

/** A source is kept and shown. The message does not repeat it. */
function withSecret(): ReefError {
  return new ReefError(
    "bad_request",
    "A source must not hold credentials: give them to git's credential helper or use ssh",
  );
}
