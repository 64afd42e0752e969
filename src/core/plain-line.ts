// Text of any form in plain lines: as one, for events that people read in a list, or as an entry among others.

const LINE_CHARS_MAX = 300;

/** White space and control characters become one space; what is longer than `charsMax` ends in `…`. */
export function plainLine(text: string, charsMax: number = LINE_CHARS_MAX): string {
  // Enough for a line, however much of it is white space.
  const line = text
    .slice(0, 8 * charsMax)
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  if (line.length <= charsMax) return line;
  return `${line.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Further lines are indented, so that nothing in a text can pass for the beginning of another entry. */
export function indented(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: some programs take them for the end of a line too.
  return text.replace(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g, "\n  ");
}
