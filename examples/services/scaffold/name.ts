// The name of a new service: what a caller wrote, as a service may be called.
import { type Field, LIMITS, refused, verbatim } from "#core/http.js";

const NAME_CHARS_MIN = 2;
const NAME_CHARS_MAX = 64;
/** reef's own services: in a clone their folders lie beside the new one. */
const TAKEN = ["scaffold", "services", "installer", "docs", "agent", "store", "cron", "ui"];

/** Lower case, hyphens for everything else. `problemOf` is the kernel's view of a name. */
export function serviceName(problemOf: (name: string) => string | undefined): Field<string> {
  const sent = verbatim(LIMITS.nameCharsMax, "name is required (string)");
  return (value, field) => {
    const name = slug(sent(value, field));
    if (name.length < NAME_CHARS_MIN) throw refused(`name must be at least ${NAME_CHARS_MIN} characters`);
    if (!/^[a-z]/.test(name)) throw refused("name must start with a letter");
    const problem = TAKEN.includes(name) ? `"${name}" is a reserved service name` : problemOf(name);
    if (problem !== undefined) throw refused(problem);
    return name;
  };
}

/** `my-metrics` to `MyMetrics`. */
export function pascal(text: string): string {
  return wordsOf(text)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

export function wordsOf(text: string): string[] {
  return text.match(/[A-Za-z0-9]+/g) ?? [];
}

/** Makes of each name one of its own: the same, or with a number behind it where that is taken. */
export function uniqueNames(charsMax: number): (wanted: string) => string {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return (wanted) => {
    const base = wanted.slice(0, charsMax);
    let name = base;
    let count = counts.get(base) ?? 1;
    while (taken.has(name)) {
      count++;
      name = `${base.slice(0, charsMax - `_${count}`.length)}_${count}`;
    }
    taken.add(name);
    counts.set(base, count);
    return name;
  };
}

function slug(text: string): string {
  return wordsOf(text.toLowerCase()).join("-").slice(0, NAME_CHARS_MAX).replace(/-$/, "");
}
