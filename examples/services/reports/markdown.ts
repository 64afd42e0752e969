// Markdown as HTML that is safe wherever it is shown: built from the parser's tokens, each piece of text escaped for its
// place, so that there is no tag and no attribute in it that this file does not name.
import type { MarkedToken, Token, Tokens } from "marked";
import { createAnchors } from "./anchors.js";
import { escapeReferences, escapeText } from "./escape.js";
import { LEVELS_MAX, tokensOf } from "./lexer.js";
import { imageSource, linkTarget } from "./target.js";

const SUMMARY_CHARS_MAX = 200;

export interface Rendered {
  html: string;
  /** The first characters of its text, escaped as text and for attributes. */
  summary: string;
}

/** Throws a RangeError for what is nested deeper than 50 levels, and for a table that is too large. */
export function renderMarkdown(source: string): Rendered {
  const tokens = tokensOf(source);
  const anchorOf = createAnchors();
  return {
    html: all(tokens, { level: 0, isInLink: false, anchorOf }),
    summary: escapeReferences(textOf(tokens, SUMMARY_CHARS_MAX)),
  };
}

/** The source as it is, for what cannot be rendered. */
export function renderPlain(source: string): Rendered {
  const start = source.slice(0, 10 * SUMMARY_CHARS_MAX);
  return {
    html: `<pre class="source">${escapeText(source)}</pre>`,
    summary: escapeText(tidy(start, SUMMARY_CHARS_MAX)),
  };
}

interface Place {
  level: number;
  /** No link can be in a link. */
  isInLink: boolean;
  anchorOf(heading: string): string;
}

function all(tokens: readonly Token[], place: Place): string {
  return tokens.map((token) => (isKnown(token) ? one(token, place) : escapeText(token.raw))).join("");
}

function one(token: MarkedToken, place: Place): string {
  switch (token.type) {
    case "space":
    case "def":
      return "";
    case "text":
      return token.tokens ? all(token.tokens, place) : escapeReferences(token.text);
    case "escape":
      return escapeText(token.text);
    case "html":
      return token.block
        ? `<p class="source">${escapeText(token.raw.trimEnd())}</p>\n`
        : escapeText(token.text);
    case "code":
      return `<pre><code>${escapeText(token.text)}\n</code></pre>\n`;
    case "codespan":
      return `<code>${escapeText(token.text)}</code>`;
    case "br":
      return "<br>\n";
    case "hr":
      return "<hr>\n";
    case "checkbox":
      return checkbox(token);
    case "paragraph":
      return `<p>${all(token.tokens, place)}</p>\n`;
    case "heading":
      return heading(token, place);
    case "strong":
    case "em":
    case "del":
      return `<${token.type}>${inside(token.tokens, place)}</${token.type}>`;
    case "blockquote":
      return `<blockquote>\n${inside(token.tokens, place)}</blockquote>\n`;
    case "list":
      return list(token, place);
    case "list_item":
      return `<li>${inside(token.tokens, place)}</li>\n`;
    case "table":
      return table(token, place);
    case "link":
      return link(token, place);
    case "image":
      return image(token, place);
  }
}

const TYPES: ReadonlySet<string> = new Set<MarkedToken["type"]>([
  ...(["space", "def", "text", "escape", "html", "code", "codespan", "br", "hr", "checkbox"] as const),
  ...(["paragraph", "heading", "strong", "em", "del", "blockquote", "list", "list_item"] as const),
  ...(["table", "link", "image"] as const),
]);

function isKnown(token: Token): token is MarkedToken {
  return TYPES.has(token.type);
}

function inside(tokens: readonly Token[], place: Place): string {
  const level = place.level + 1;
  if (level > LEVELS_MAX) throw new RangeError(`nested deeper than ${LEVELS_MAX} levels`);
  return all(tokens, { ...place, level });
}

function checkbox({ checked }: Tokens.Checkbox): string {
  const state = checked ? 'aria-label="done" checked' : 'aria-label="not done"';
  return `<input type="checkbox" disabled ${state}> `;
}

function heading({ depth, tokens }: Tokens.Heading, place: Place): string {
  const anchor = place.anchorOf(textOf(tokens, SUMMARY_CHARS_MAX));
  return `<h${depth} id="${escapeText(anchor)}">${all(tokens, place)}</h${depth}>\n`;
}

/** The items are one level deeper than the list. */
function list({ ordered, start, items }: Tokens.List, place: Place): string {
  const isCounted = ordered && start !== "" && start !== 1 && Number.isSafeInteger(start);
  const from = isCounted ? ` start="${start}"` : "";
  const tag = ordered ? "ol" : "ul";
  return `<${tag}${from}>\n${all(items, place)}</${tag}>\n`;
}

function table({ header, rows }: Tokens.Table, place: Place): string {
  const row = (cells: Tokens.TableCell[]) =>
    `<tr>${cells.map((cell) => tableCell(cell, place)).join("")}</tr>\n`;
  const body = rows.length === 0 ? "" : `<tbody>\n${rows.map(row).join("")}</tbody>\n`;
  return `<table>\n<thead>\n${row(header)}</thead>\n${body}</table>\n`;
}

function tableCell({ header, align, tokens }: Tokens.TableCell, place: Place): string {
  const tag = header ? "th" : "td";
  return `<${tag}${align ? ` align="${align}"` : ""}>${all(tokens, place)}</${tag}>`;
}

/** Where it leads to nothing that is allowed, its words stay. */
function link({ href, title, tokens, text, autolink }: Tokens.Link, place: Place): string {
  const label = autolink ? escapeText(text) : inside(tokens, { ...place, isInLink: true });
  const target = place.isInLink ? undefined : linkTarget(href);
  return target === undefined
    ? label
    : anchor(autolink ? escapeText(target) : escapeReferences(target), label, title);
}

/** One from elsewhere would tell its server who reads the report, so it is a link. */
function image({ href, title, tokens, text }: Tokens.Image, place: Place): string {
  const name = escapeReferences(textOf(tokens, text.length) || text);
  const source = imageSource(href);
  if (source !== undefined) return `<img src="${escapeText(source)}" alt="${name}"${titled(title)}>`;
  const target = place.isInLink ? undefined : linkTarget(href);
  return target === undefined
    ? name
    : anchor(escapeReferences(target), name || escapeReferences(target), title);
}

/** `address` and `label` are escaped. */
function anchor(address: string, label: string, title: string | null | undefined): string {
  const elsewhere = address.startsWith("#") ? "" : ' target="_blank"';
  return `<a href="${address}" rel="noopener noreferrer nofollow"${elsewhere}${titled(title)}>${label}</a>`;
}

function titled(title: string | null | undefined): string {
  return title ? ` title="${escapeReferences(title)}"` : "";
}

/** The words of some tokens, as the source spells them. */
function textOf(tokens: readonly Token[], charsMax: number): string {
  let text = "";
  for (const part of partsOf(tokens)) {
    text += part;
    if (text.length > 2 * charsMax) break;
  }
  return tidy(text, charsMax);
}

function* partsOf(tokens: readonly Token[]): Generator<string> {
  for (const token of tokens) {
    if (!isKnown(token) || token.type === "def") continue;
    if (token.type === "list") yield* partsOf(token.items);
    else if (token.type === "table")
      for (const cell of [token.header, ...token.rows].flat()) yield* [...partsOf(cell.tokens), " "];
    else if ("tokens" in token && token.tokens) yield* partsOf(token.tokens);
    else if ("text" in token) yield token.text;
    if (BLOCKS.has(token.type)) yield " ";
  }
}

const BLOCKS: ReadonlySet<string> = new Set(["paragraph", "heading", "code", "list_item", "br"]);

function tidy(text: string, charsMax: number): string {
  return text.replace(/\s+/g, " ").trim().slice(0, charsMax).toWellFormed();
}
