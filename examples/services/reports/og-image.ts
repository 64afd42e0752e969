// The picture that a chat shows beside a share link: the report's title, its author and its date, as SVG.
import { plainLine } from "#core/http.js";
import { escapeXml } from "./escape.js";
import type { Report } from "./report.js";

const [WIDTH, HEIGHT, MARGIN] = [1_200, 630, 80];
const [TITLE_SIZE, LINE_HEIGHT] = [56, 74];
/** A line of a title, in letters of common width. */
const LINE_UNITS = 30;
const LINES_MAX = 4;
const TITLE_CHARS_MAX = 200;
const AUTHOR_CHARS_MAX = 60;

export function ogImage({
  title,
  author,
  createdAt,
}: Pick<Report, "title" | "author" | "createdAt">): string {
  const lines = wrapped(plainLine(title, TITLE_CHARS_MAX));
  const spans = lines.map((line, at) => {
    const y = MARGIN + 2 * TITLE_SIZE + at * LINE_HEIGHT;
    return `<text x="${MARGIN}" y="${y}" font-size="${TITLE_SIZE}" font-weight="700" fill="#f0f5fa">${escapeXml(line)}</text>`;
  });
  const by = `${plainLine(author, AUTHOR_CHARS_MAX)} · ${createdAt.slice(0, 10)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#0d1117"/>
<rect width="${WIDTH}" height="16" fill="#4cc2b0"/>
${spans.join("\n")}
<text x="${MARGIN}" y="${HEIGHT - MARGIN}" font-size="36" fill="#8b97a6">${escapeXml(by)}</text>
</svg>
`;
}

/** As many lines as there is room for; the last one ends in `…` when something is left. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of piecesOf(text)) {
    const next = line === "" ? piece.trimStart() : line + piece;
    if (unitsOf(next.trimEnd()) <= LINE_UNITS) {
      line = next;
      continue;
    }
    lines.push(line.trimEnd());
    line = piece.trimStart();
  }
  lines.push(line.trimEnd());
  if (lines.length <= LINES_MAX) return lines;
  return [...lines.slice(0, LINES_MAX - 1), `${lines[LINES_MAX - 1]}…`];
}

/** Words with the white space before them; of one that fills no line, its letters. */
function piecesOf(text: string): string[] {
  const words = text.split(/(?= )/);
  return words.flatMap((word) => (unitsOf(word) <= LINE_UNITS ? [word] : lettersOf(word)));
}

function lettersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** Letters of Asian scripts and emoji are twice as wide. */
function unitsOf(text: string): number {
  return Bun.stringWidth(text);
}
