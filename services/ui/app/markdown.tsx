// Text of a model as it meant it: markdown, made safe. No raw HTML, no forms, no images from elsewhere.
import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import { Marked } from "marked";
import { useMemo } from "preact/hooks";

for (const [name, language] of Object.entries({ bash, css, json, python, typescript, xml }))
  hljs.registerLanguage(name, language);
hljs.registerAliases(["sh", "shell"], { languageName: "bash" });
hljs.registerAliases(["ts", "tsx", "js", "jsx", "javascript"], { languageName: "typescript" });
hljs.registerAliases(["html"], { languageName: "xml" });
hljs.registerAliases(["py"], { languageName: "python" });

/** Longer texts are shown as they are: coloring them would take a moment that one notices. */
const COLORED_CHARS_MAX = 50_000;

const marked = new Marked({
  gfm: true,
  breaks: false,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    link({ href, tokens }) {
      const host = URL.parse(href)?.host;
      const text = this.parser.parseInline(tokens);
      return `<a href="${escaped(href)}">${text}</a>${host ? ` <span class="host">(${escaped(host)})</span>` : ""}`;
    },
    code: ({ text, lang }) => `<pre><code class="hljs">${colored(text, lang)}</code></pre>`,
  },
});

const ALLOWED = [
  ...[
    "p",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "strong",
    "em",
    "del",
    "code",
    "pre",
    "blockquote",
  ],
  ...["ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "span"],
];

DOMPurify.addHook("afterSanitizeAttributes", (element) => {
  // A block that scrolls sideways is reached by keyboard.
  if (element.tagName === "PRE") element.setAttribute("tabindex", "0");
  if (element.tagName !== "A") return;
  element.setAttribute("rel", "noopener noreferrer");
  element.setAttribute("target", "_blank");
});

export function safeHtml(text: string): string {
  const html = marked.parse(text, { async: false });
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ALLOWED,
    ALLOWED_ATTR: ["href", "class", "align", "start", "rel", "target"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):|^#/i,
  });
}

export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => safeHtml(text), [text]);
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Code in the colors of its language, or as plain text where that is not known. */
export function Code({ text, language }: { text: string; language?: string }) {
  const html = useMemo(
    () => DOMPurify.sanitize(colored(text, language), { ALLOWED_TAGS: ["span"] }),
    [text, language],
  );
  return (
    <pre class="code">
      <code class="hljs" dangerouslySetInnerHTML={{ __html: html }} />
    </pre>
  );
}

function colored(text: string, language: string | undefined): string {
  const isKnown = language !== undefined && hljs.getLanguage(language) !== undefined;
  if (!isKnown || text.length > COLORED_CHARS_MAX) return escaped(text);
  return hljs.highlight(text, { language, ignoreIllegals: true }).value;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
