// Names for headings, so that links within a report find them: made as GitHub makes them, each one once.

const CHARS_MAX = 100;

export function createAnchors(): (heading: string) => string {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return (heading) => {
    const name = slugOf(heading);
    let count = counts.get(name) ?? 0;
    let anchor = count === 0 ? name : `${name}-${count}`;
    while (taken.has(anchor)) anchor = `${name}-${++count}`;
    counts.set(name, count + 1);
    taken.add(anchor);
    return anchor;
  };
}

function slugOf(heading: string): string {
  const words = heading
    .toLowerCase()
    .replace(/&#?\w+;/g, "")
    .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, "")
    .trim()
    .slice(0, CHARS_MAX)
    .toWellFormed();
  return words.replaceAll(" ", "-") || "section";
}
