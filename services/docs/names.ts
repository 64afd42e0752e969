// Names for routes, unique and readable: `store_get_by_key`.

const WORD_CHARS_MAX = 100;

/** Gives each name out once; the second route of one name is `…_2`. */
export function createNames(): (...words: string[]) => string {
  const taken = new Set<string>();
  const next = new Map<string, number>();
  return (...words) => {
    const name = words.map(plain).filter(Boolean).join("_");
    let number = next.get(name) ?? 1;
    while (taken.has(numbered(name, number))) number++;
    next.set(name, number + 1);
    taken.add(numbered(name, number));
    return numbered(name, number);
  };
}

function plain(word: string): string {
  return word
    .slice(0, WORD_CHARS_MAX)
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");
}

function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}_${number}`;
}
