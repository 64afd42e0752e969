// Which content type an answer has, from what its documentation says of it in words.

const WORDS: [RegExp, string][] = [
  [/\b(SSE|server-sent events?|event[- ]stream)\b/i, "text/event-stream"],
  [/\bHTML\b/i, "text/html"],
  [/\b(gzip|tarball)\b/i, "application/gzip"],
  [/\bSVG\b/i, "image/svg+xml"],
  [/\bPNG\b/i, "image/png"],
  [/\bmarkdown\b/i, "text/markdown"],
  [/\bplain text\b/i, "text/plain"],
  [/\bbinary\b/i, "application/octet-stream"],
];
const NAMED = /\b(?:application|audio|font|image|model|multipart|text|video)\/[a-z0-9][a-z0-9.+-]*[a-z0-9]/i;

/** JSON unless the text names another one; a text that shows an object or a list shows JSON. */
export function mediaTypeOf(response: string | undefined): string {
  const text = response?.trim() ?? "";
  if (/^[[{]/.test(text)) return "application/json";
  const [named] = NAMED.exec(text) ?? [];
  return named?.toLowerCase() ?? WORDS.find(([word]) => word.test(text))?.[1] ?? "application/json";
}
