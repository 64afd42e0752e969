// Text made harmless for the places where a page shows it: as text, and in quoted attributes, of HTML and of SVG.

const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\0": "\uFFFD",
};

/** Shows the text exactly as it is. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"'\0]/g, (one) => NAMED[one] ?? "&#39;");
}

/** The same for text of Markdown, where `&copy;` stands for ©. A reference is a character in the page, never markup. */
export function escapeReferences(text: string): string {
  return text
    .split(/(&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});)/i)
    .map((part, at) => (at % 2 === 1 ? part : escapeText(part)))
    .join("");
}

/** As XML may hold it, which has no control characters and not every other one. */
export function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones.
  return escapeText(text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\uFFFD"));
}
