// Pure: the few words around what was found, in one line.

const SNIPPET_CHARS = 200;
/** Of them, before what was found. */
const LEAD_CHARS = 60;
/** How far a cut moves so that it falls between two words. */
const WORD_CHARS_MAX = 20;

/** Around the first phrase that is seen in the text, else its beginning; `…` where something is left out. */
export function snippetOf(text: string, phrases: readonly string[]): string {
  const at = firstPlace(text, phrases);
  const from = at <= LEAD_CHARS ? 0 : wordFrom(text, at - LEAD_CHARS);
  const piece = text.slice(from, from + 2 * SNIPPET_CHARS);
  const line = oneLine(piece);
  const shown = line.length <= SNIPPET_CHARS ? line : line.slice(0, wordEnd(line)).trimEnd();
  const isCut = line.length > shown.length || from + piece.length < text.length;
  return `${from > 0 ? "…" : ""}${wholeCharacters(shown)}${isCut ? "…" : ""}`;
}

function firstPlace(text: string, phrases: readonly string[]): number {
  for (const phrase of phrases) {
    const place = placeOf(phrase, text);
    if (place >= 0) return place;
  }
  return 0;
}

/** Where a phrase stands as whole words, else anywhere, else with other accents; negative when it is not seen. */
function placeOf(phrase: string, text: string): number {
  const words = phrase.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  const pattern = words.map((word) => RegExp.escape(word)).join("[^\\p{L}\\p{N}]+");
  const whole = text.search(new RegExp(`(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`, "iu"));
  if (whole >= 0) return whole;
  const anywhere = text.search(new RegExp(pattern, "iu"));
  return anywhere >= 0 ? anywhere : folded(text).indexOf(folded(words.join(" ")));
}

/** Without accents and case, about as long as it was. */
function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function wordFrom(text: string, from: number): number {
  const space = text.slice(from, from + WORD_CHARS_MAX).search(/\s/);
  return space < 0 ? from : from + space + 1;
}

function wordEnd(line: string): number {
  const space = line.lastIndexOf(" ", SNIPPET_CHARS);
  return space < SNIPPET_CHARS - WORD_CHARS_MAX ? SNIPPET_CHARS : space;
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would break a line of text.
  return text.replace(/[\s\u0000-\u001f\u007f]+/g, " ").trim();
}

/** Without the half of a character that a cut has left at either end. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
}
