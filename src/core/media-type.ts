// Tells JSON from other bodies by their content type.

/** `application/json`, with parameters or as a suffix (`application/problem+json`). */
export function isJsonType(contentType: string | null): boolean {
  return contentType !== null && /^application\/(?:[^;]*\+)?json\b/i.test(contentType);
}
