// What Markdown becomes: the forms that people use, and nothing that runs, loads or leads where nobody wanted to go.
import { describe, expect, test } from "bun:test";
import { renderMarkdown, renderPlain } from "./markdown.js";

const html = (source: string) => renderMarkdown(source).html.trim();
const link = (href: string, label: string) =>
  `<a href="${href}" rel="noopener noreferrer nofollow" target="_blank">${label}</a>`;
const PNG = "data:image/png;base64,iVBORw0KGgo=";

describe("what people write (spec §8)", () => {
  test.each([
    ["# One *two*", '<h1 id="one-two">One <em>two</em></h1>'],
    ["a **b** ~~c~~ `d`", "<p>a <strong>b</strong> <del>c</del> <code>d</code></p>"],
    ["a  \nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>"],
    ["- a\n  - b", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"],
    ["3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'],
    ["- a\n\n- b", "<ul>\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ul>"],
    ["> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>"],
    ["```js\na < b && c\n```", "<pre><code>a &lt; b &amp;&amp; c\n</code></pre>"],
    ["    indented", "<pre><code>indented\n</code></pre>"],
    ["---", "<hr>"],
    [
      "- [x] a\n- [ ] b",
      '<ul>\n<li><input type="checkbox" disabled aria-label="done" checked> a</li>\n<li><input type="checkbox" disabled aria-label="not done"> b</li>\n</ul>',
    ],
    [
      "|a|b|\n|-|-:|\n|1|**2**|",
      '<table>\n<thead>\n<tr><th>a</th><th align="right">b</th></tr>\n</thead>\n<tbody>\n<tr><td>1</td><td align="right"><strong>2</strong></td></tr>\n</tbody>\n</table>',
    ],
    ["&copy; &#169; &amp; &nosuch; & &#x1F600; \\*", "<p>&copy; © &amp; &nosuch; &amp; 😀 *</p>"],
    ["`&copy;` \\&copy;", "<p><code>&amp;copy;</code> &amp;copy;</p>"],
  ])("%j", (source, expected) => {
    expect(html(source)).toBe(expected);
  });
});

describe("raw HTML is text (spec §8)", () => {
  test.each([
    ["<script>alert(1)</script>", '<p class="source">&lt;script&gt;alert(1)&lt;/script&gt;</p>'],
    ["a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>"],
    ["a <!-- *b* --> c", "<p>a &lt;!-- *b* --&gt; c</p>"],
    ["<!-- a\n\nb -->", '<p class="source">&lt;!-- a\n\nb --&gt;</p>'],
    ["<img src=x onerror=alert(1)>", '<p class="source">&lt;img src=x onerror=alert(1)&gt;</p>'],
    ["<svg onload=alert(1)>&lt;", "<p>&lt;svg onload=alert(1)&gt;&lt;</p>"],
    ["<pre>\n**a**\n</pre>", '<p class="source">&lt;pre&gt;\n**a**\n&lt;/pre&gt;</p>'],
    ["&lt;script&gt;", "<p>&lt;script&gt;</p>"],
    ["&#60;script&#x3e; &#38;lt;", "<p>&lt;script&gt; &amp;lt;</p>"],
    ['```"><script>\na\n```', "<pre><code>a\n</code></pre>"],
    ["a\0b", "<p>a\uFFFDb</p>"],
  ])("%j", (source, expected) => {
    expect(html(source)).toBe(expected);
  });
});

describe("links (spec §8)", () => {
  test.each([
    ["[a](https://b.example/c?d=1&e=2)", link("https://b.example/c?d=1&amp;e=2", "a")],
    ["[a](https://b.example/?d=1&amp;e)", link("https://b.example/?d=1&amp;e", "a")],
    ["[a](HTTP://b.example)", link("HTTP://b.example", "a")],
    ["[a](mailto:b@c.example)", link("mailto:b@c.example", "a")],
    ["[a](<https://b.example/c d>)", link("https://b.example/c%20d", "a")],
    ["[a](https://b.example/%20é)", link("https://b.example/%20%C3%A9", "a")],
    ["[a](http://[::1]/)", link("http://[::1]/", "a")],
    ["<https://b.example/&amp;>", link("https://b.example/&amp;amp;", "https://b.example/&amp;amp;")],
    ["https://b.example", link("https://b.example", "https://b.example")],
    ["www.b.example", link("http://www.b.example", "www.b.example")],
    ["b@c.example", link("mailto:b@c.example", "b@c.example")],
    ["[a][b]\n\n[b]: https://c.example", link("https://c.example", "a")],
    ["[a <https://b.example> c](https://d.example)", link("https://d.example", "a https://b.example c")],
    ["[![a](https://b.example/c.png)](https://d.example)", link("https://d.example", "a")],
    ["[*a*](https://b.example)", link("https://b.example", "<em>a</em>")],
  ])("%j leads there", (source, expected) => {
    expect(html(source)).toBe(`<p>${expected}</p>`);
  });

  test("have their title as text", () => {
    expect(html("[a](https://b.example '\"><script>&quot;')")).toBe(
      '<p><a href="https://b.example" rel="noopener noreferrer nofollow" target="_blank" title="&quot;&gt;&lt;script&gt;&quot;">a</a></p>',
    );
  });

  test("within the report lead to its headings, each of which has a name of its own", () => {
    expect(html("[a](#b-c)")).toBe('<p><a href="#b-c" rel="noopener noreferrer nofollow">a</a></p>');
    const ids = Array.from(
      html("# B & c!\n# b c\n# b--c\n# b-c-1\n# B C\n# 日本 é_1\n# !\n# <b>").matchAll(/id="([^"]*)"/g),
      ([, id]) => id,
    );
    expect(ids).toEqual(["b--c", "b-c", "b--c-1", "b-c-1", "b-c-2", "日本-é_1", "section", "b"]);
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "<java\\\nscript:alert(1)>",
    "<\x01javascript:alert(1)>",
    "javascript&#58;alert(1)",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "&#104;ttps://b.example",
    "data:text/html,<script>alert(1)</script>",
    "data:image/png;base64,AAAA",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://b.example/x",
    "about:blank",
    "ftp://b.example",
    "//b.example",
    "/reports",
    "https:b.example",
    "https:/b.example",
    "https:///b.example",
    "reports/share/x",
    "?x=https://b.example",
    "view-source:https://b.example",
    "#",
    "",
  ])("to %j is only its words", (href) => {
    for (const source of [`[words](${href})`, `[words][a]\n\n[a]: ${href}\n`, `![words](${href})`]) {
      const found = html(source);
      if (found.includes("<img")) expect(href).toStartWith("data:image/png");
      expect(found).not.toContain("<a ");
      expect(found).toContain("words");
    }
  });
});

describe("images (spec §8)", () => {
  test("from elsewhere are links, so that nobody is told who reads", () => {
    expect(html("![*a* b](https://b.example/c.png 't')")).toBe(
      '<p><a href="https://b.example/c.png" rel="noopener noreferrer nofollow" target="_blank" title="t">a b</a></p>',
    );
    expect(html("![](https://b.example/c.png)")).toContain(">https://b.example/c.png</a>");
  });

  test.each(["png", "jpeg", "gif", "webp", "PNG"])("of %s that lie in the text are shown", (type) => {
    const source = `data:image/${type};base64,AA+/`;
    expect(html(`![a"b](${source})`)).toBe(`<p><img src="${source}" alt="a&quot;b"></p>`);
  });

  test.each([
    "data:image/svg+xml;base64,AAAA",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    'data:image/png;base64,AA"onerror=alert(1)',
    "data:image/png,AAAA",
    "data:text/html;base64,AAAA",
    "data:image/png;base64,&#65;",
  ])("%j is only its words", (source) => {
    const found = html(`![words](<${source}>)`);
    expect(found).not.toMatch(/<img|<a /);
    expect(found).toContain("words");
  });

  test("in a link are in the link", () => {
    expect(html(`[![a](${PNG})](https://b.example)`)).toBe(
      `<p>${link("https://b.example", `<img src="${PNG}" alt="a">`)}</p>`,
    );
  });
});

describe("what is too deep or too large is not rendered (spec §8)", () => {
  test.each([
    ["quotes", (levels: number) => `${"> ".repeat(levels)}a`],
    [
      "lists",
      (levels: number) => Array.from({ length: levels }, (_, at) => `${"  ".repeat(at)}- a`).join("\n"),
    ],
    ["emphasis", (levels: number) => `${"*a ".repeat(levels)}b${"*".repeat(levels)}`],
  ])("%s nested deeper than 50", (_kind, nested) => {
    expect(() => renderMarkdown(nested(50))).not.toThrow();
    expect(() => renderMarkdown(nested(51))).toThrow(RangeError);
  });

  test("a table whose rows ask for more cells than there are", () => {
    const table = (columns: number, rows: number) =>
      `${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${"|\n".repeat(rows)}`;
    expect(html(table(10, 100))).toContain("<td>");
    expect(() => renderMarkdown(table(1_000, 1_000))).toThrow(RangeError);
  });

  test("and is then shown as it is written", () => {
    const { html, summary } = renderPlain('> <b> &amp; "x"\n'.repeat(100));
    expect(html).toStartWith('<pre class="source">&gt; &lt;b&gt; &amp;amp; &quot;x&quot;\n&gt;');
    expect(summary).toStartWith("&gt; &lt;b&gt; &amp;amp; &quot;x&quot; &gt;");
  });
});

describe("the summary (spec §8)", () => {
  test.each([
    [
      "# One *two*\n\nthree [four](https://a.example) `five`\n- six\n- seven",
      "One two three four five six seven",
    ],
    ["|a|b|\n|-|-|\n|c|d|\n\n> e\n\n```\nf\n```", "a b c d e f"],
    ['a "b" <script> &copy; &', "a &quot;b&quot; &lt;script&gt; &copy; &amp;"],
    ["[a]: https://b.example", ""],
    ["", ""],
  ])("of %j", (source, summary) => {
    expect(renderMarkdown(source).summary).toBe(summary);
  });

  test("has 200 characters", () => {
    expect(renderMarkdown("ab ".repeat(1_000)).summary).toBe("ab ".repeat(67).slice(0, 200));
    expect(renderMarkdown(`${"x".repeat(199)}😀`).summary).toBe(`${"x".repeat(199)}\uFFFD`);
  });
});

/** Each tag with the attributes that it may have. */
const ALLOWED: Record<string, string[]> = {
  a: ["href", "rel", "target", "title"],
  img: ["src", "alt", "title"],
  input: ["type", "disabled", "aria-label", "checked"],
  p: ["class"],
  ol: ["start"],
  th: ["align"],
  td: ["align"],
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((depth) => [`h${depth}`, ["id"]])),
  ...Object.fromEntries(
    "ul li blockquote pre code table thead tbody tr strong em del br hr".split(" ").map((tag) => [tag, []]),
  ),
};

const PIECES = [
  ..."<>\"'`&;:[]()!*_~#|-\\/\n \t\0".split(""),
  ..."<script> </script> <img onerror=alert(1) src=x> <svg/onload=x> <!-- --> <a href= javascript: &#106; &lt;".split(
    " ",
  ),
  ..."data:image/png;base64,AA https://a.example www.a.example a@b.example [a]: [a](".split(" "),
  ...[
    "```\n",
    "\n\n",
    "> ",
    "- [ ] ",
    "1. ",
    "|a|b|\n|-|-|\n",
    "    ",
    "&quot;",
    "\u2028",
    "\u202e",
    "😀",
    "</p>",
    "]]>",
  ],
];

test("no mixture of pieces makes a tag, an attribute or an address that is not allowed (spec §17.10)", async () => {
  const random = numbers(20_260_131);
  for (let n = 0; n < 1_500; n++) {
    const source = Array.from({ length: 1 + (random() % 40) }, () => PIECES[random() % PIECES.length]).join(
      "",
    );
    expect({ source, problems: await problemsIn(renderMarkdown(source).html) }).toEqual({
      source,
      problems: [],
    });
  }
});

async function problemsIn(html: string): Promise<string[]> {
  const problems: string[] = [];
  const rewriter = new HTMLRewriter()
    .on("*", {
      element({ tagName, attributes }) {
        const allowed = ALLOWED[tagName];
        if (!allowed) problems.push(`<${tagName}>`);
        for (const [name = "", value = ""] of attributes) {
          if (!allowed?.includes(name)) problems.push(`${tagName} ${name}`);
          if (name === "href" && !/^(https?:\/\/|mailto:|#)/i.test(value)) problems.push(`to ${value}`);
          if (name === "src" && !/^data:image\/png;base64,/.test(value)) problems.push(`shows ${value}`);
        }
      },
    })
    .onDocument({
      comments: ({ text }) => void problems.push(`comment ${text}`),
      doctype: () => void problems.push("doctype"),
    });
  await rewriter.transform(new Response(html)).text();
  return problems;
}

/** Always the same ones, so that a failure can be looked at again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
