// Pure: what is shown of long texts, and of two texts of which one replaces the other.

const SHOWN_LINES = 10;
const SHOWN_CHARS = 2_048;

/** What is shown of a long text before one asks for all of it; undefined when that is all. */
export function excerpt(text: string): string | undefined {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= SHOWN_LINES && text.length <= SHOWN_CHARS) return undefined;
  return lines.slice(0, SHOWN_LINES).join("\n").slice(0, SHOWN_CHARS);
}

export interface DiffLine {
  sign: "+" | "-" | " ";
  text: string;
}

/** The lines that an `edit` call takes out and puts in. */
export function diffOf(params: unknown): DiffLine[] | undefined {
  if (typeof params !== "object" || params === null) return undefined;
  const edits = "edits" in params && Array.isArray(params.edits) ? params.edits : [params];
  const lines = edits.flatMap((edit: unknown) => {
    const { oldText, newText } = (edit ?? {}) as { oldText?: unknown; newText?: unknown };
    if (typeof oldText !== "string" || typeof newText !== "string") return [];
    return linesBetween(oldText.split("\n"), newText.split("\n"));
  });
  return lines.length > 0 ? lines : undefined;
}

/** What two texts begin and end with in common stays as it is. */
function linesBetween(before: string[], after: string[]): DiffLine[] {
  const head = commonLines(before, after);
  const tail = commonLines(before.slice(head).reverse(), after.slice(head).reverse());
  const lines = (sign: DiffLine["sign"], texts: string[]) => texts.map((text) => ({ sign, text }));
  return [
    ...lines(" ", before.slice(0, head)),
    ...lines("-", before.slice(head, before.length - tail)),
    ...lines("+", after.slice(head, after.length - tail)),
    ...lines(" ", before.slice(before.length - tail)),
  ];
}

function commonLines(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[count] === b[count]) count++;
  return count;
}

export interface Hit {
  text: string;
  isHit: boolean;
  /** Where it begins. */
  at: number;
}

/** A text in pieces: the words of a query in it, and what is between them. */
export function hitsIn(text: string, query: string): Hit[] {
  const words = query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  if (words.length === 0) return [{ text, isHit: false, at: 0 }];
  const pattern = new RegExp(`(${words.map((word) => RegExp.escape(word)).join("|")})`, "giu");
  let at = 0;
  const pieces = text.split(pattern).map((piece, index) => {
    const hit = { text: piece, isHit: index % 2 === 1, at };
    at += piece.length;
    return hit;
  });
  return pieces.filter((piece) => piece.text !== "");
}
