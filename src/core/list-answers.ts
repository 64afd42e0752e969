// How a page of a list goes out. Its items are JSON or lines already, so nothing is written twice.
import type { TextPage } from "./rows.js";

/** `{<key>: [...], count, cursor, total?}`. */
export function listAnswer(key: string, { texts, cursor, total }: TextPage): Response {
  const rest = JSON.stringify({ count: texts.length, cursor, ...(total !== undefined && { total }) });
  return new Response(`{${JSON.stringify(key)}:[${texts.join(",")}],${rest.slice(1)}`, {
    headers: { "Content-Type": "application/json" },
  });
}

/** The bare array; the cursor is in `X-Next-Cursor`, a total in `X-Total-Count`. */
export function arrayAnswer(page: TextPage): Response {
  return new Response(`[${page.texts.join(",")}]`, {
    headers: { "Content-Type": "application/json", ...headersOf(page) },
  });
}

/** One item in a line, without a last line break; the headers are those of `arrayAnswer`. */
export function linesAnswer(page: TextPage): Response {
  return new Response(page.texts.join("\n"), {
    headers: { "Content-Type": "text/plain; charset=utf-8", ...headersOf(page) },
  });
}

function headersOf({ cursor, total }: TextPage): Record<string, string> {
  return {
    ...(cursor !== null && { "X-Next-Cursor": cursor }),
    ...(total !== undefined && { "X-Total-Count": String(total) }),
  };
}
