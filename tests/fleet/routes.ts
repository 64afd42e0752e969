// Which documented route a call reaches.

export interface Call {
  method: string;
  path: string;
}

/** One of `keys` (`GET /vms/:id`) of the service `name`; the call itself when it reaches none of them. */
export function routeOf({ method, path }: Call, name: string, keys: readonly string[]): string {
  const relative = path.slice(name.length + 1) || "/";
  const exact = keys.find((key) => key === `${method} ${relative}`);
  const matching = keys.find((key) => patternOf(key).test(`${method} ${relative}`));
  return exact ?? matching ?? `${method} ${path}`;
}

function patternOf(key: string): RegExp {
  return new RegExp(`^${key.replace(/[.*+?^$()[\]\\]/g, "\\$&").replace(/:\w+/g, "[^/]+")}$`);
}
