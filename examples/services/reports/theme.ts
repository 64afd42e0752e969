// How a report looks, in light and in dark, and the one policy under which it is shown.

export const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1f2328, #d6dde6); --dim: light-dark(#59636e, #9aa6b3); --line: light-dark(#d1d9e0, #333c48); --card: light-dark(#f6f8fa, #161c24); --link: light-dark(#0757ba, #79b8ff); }
* { box-sizing: border-box; }
body { margin: 0; background: light-dark(#ffffff, #0d1117); color: var(--text); font: 16px/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; padding-bottom: 1rem; }
header h1 { margin: 0 0 .5rem; font-size: 2rem; line-height: 1.25; }
header p { margin: 0; color: var(--dim); }
.tags { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; margin: .75rem 0 0; padding: 0; }
.tags li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .7rem; font-size: .85rem; color: var(--dim); }
a { color: var(--link); }
h1, h2, h3, h4, h5, h6 { line-height: 1.3; margin: 1.6em 0 .6em; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; white-space: pre-wrap; }
code { font: .9em/1.5 ui-monospace, monospace; background: var(--card); border-radius: 4px; padding: .1em .3em; }
pre code { padding: 0; background: none; }
.source { white-space: pre-wrap; }
blockquote { margin: 1em 0; padding: 0 1rem; border-left: 4px solid var(--line); color: var(--dim); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .35rem .7rem; }
img { max-width: 100%; }
hr { border: 0; border-top: 1px solid var(--line); }
`;

const STYLE_HASH = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");

/** Of every page with a report, or where one was. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "X-Robots-Tag": "noindex",
  "Cache-Control": "no-store",
};
