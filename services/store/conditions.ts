// HTTP preconditions over versions: what `If-Match`, `If-None-Match` and `?version=` say about what is stored now.

/** The versions that a header names; `any` for `*`. */
type Tags = "any" | ReadonlySet<number>;

/** Says whether a write may go on; `version` is null when there is no such key. */
export type Precondition = (version: number | null) => boolean;

/** Version 0 stands for a key that does not exist, so that a caller can wait for one to appear. */
export const NO_VERSION = 0;

export function etag(version: number): string {
  return `"${version}"`;
}

/** What `If-Match` and `If-None-Match` allow a write to replace; without either, anything. */
export function precondition(headers: Headers): Precondition {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  const wanted = ifMatch === null ? undefined : tagsIn(ifMatch, STRONG_TAG);
  const unwanted = ifNoneMatch === null ? undefined : tagsIn(ifNoneMatch, WEAK_TAG);
  return (version) => (!wanted || names(wanted, version)) && !(unwanted && names(unwanted, version));
}

/** The versions that a reader says it has, by `?version=` or else by `If-None-Match`; undefined when it says nothing. */
export function knownVersion(
  version: number | undefined,
  headers: Headers,
): ((version: number) => boolean) | undefined {
  if (version !== undefined) return (current) => current === version;
  const header = headers.get("if-none-match");
  if (header === null) return undefined;
  const tags = tagsIn(header, WEAK_TAG);
  return (current) => (tags === "any" ? current !== NO_VERSION : tags.has(current));
}

// A bare number is taken as well, for who types the header by hand. `If-Match` compares strongly: it never equals a
// weak tag, which says that somebody on the way has changed the body (RFC 9110, section 13.1.1).
const STRONG_TAG = /^(?:"(\d{1,16})"|(\d{1,16}))$/;
const WEAK_TAG = /^(?:(?:W\/)?"(\d{1,16})"|(\d{1,16}))$/;

/** A tag that this store did not give out names no version. */
function tagsIn(header: string, pattern: RegExp): Tags {
  if (header.trim() === "*") return "any";
  const versions = new Set<number>();
  for (const tag of header.split(",")) {
    const [, quoted, bare] = pattern.exec(tag.trim()) ?? [];
    if (quoted ?? bare) versions.add(Number(quoted ?? bare));
  }
  return versions;
}

function names(tags: Tags, version: number | null): boolean {
  if (version === null) return false;
  return tags === "any" || tags.has(version);
}
