// From a route's path to the path templates of OpenAPI: `/notes/:id{[0-9]+}` is `/notes/{id}`.
import type { ModuleRoute } from "#core/http.js";
import { encodedLiteral, filled, segmentsOf, variantsOf } from "./segments.js";

export interface Template {
  /** With each parameter as `{name}`, no name twice. */
  path: string;
  /** The form of the route's own path that this is, relative to the mount. */
  relativePath: string;
  params: PathParam[];
  /** The same for two templates that differ in the names of their parameters only. */
  shape: string;
}

export interface PathParam {
  /** In the template. */
  key: string;
  /** In the route's own path, and so in its documentation. */
  name: string;
  /** The regular expression that the whole value has to match. */
  pattern?: string;
}

/** One for each form of a path with optional segments; none for a route that takes the rest of a path (`*`). */
export function templatesOf(route: Pick<ModuleRoute, "path" | "relativePath">): Template[] {
  const mount = route.path.slice(0, route.path.length - route.relativePath.length);
  return variantsOf(route.relativePath)
    .filter((path) => segmentsOf(path).every(({ kind }) => kind !== "rest"))
    .map((path) => templateOf(mount, path));
}

function templateOf(mount: string, relativePath: string): Template {
  const params: PathParam[] = [];
  const template = filled(mount + relativePath, (segment) => {
    if (segment.kind !== "param") return encodedLiteral(segment.text);
    const key = freeKey(segment.name, params);
    params.push({ key, name: segment.name, pattern: segment.pattern });
    return `{${key}}`;
  });
  return { path: template, relativePath, params, shape: template.replaceAll(/\{[^}]*\}/g, "{}") };
}

function freeKey(name: string, taken: readonly PathParam[]): string {
  let key = name;
  for (let number = 2; taken.some((param) => param.key === key); number++) key = `${name}_${number}`;
  return key;
}
