// What of a value goes through the socket: JSON cannot hold everything that a module may give.

export function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The own fields that JSON can hold. */
export function jsonFields(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => isJson(field)));
}
