// Shows what came back: text as it arrives, so that a stream can be watched, and other content as a file to save.
import { element } from "./dom.client.js";

/** Of a text; what came before is dropped from the view, as in a terminal. */
const CHARS_SHOWN_MAX = 200_000;
/** Longer JSON is shown as it came. */
const PRETTY_CHARS_MAX = 100_000;

export interface AnswerView {
  readonly root: HTMLElement;
  /** Resolves when the whole answer is there. */
  show(answer: Response, ms: number): Promise<void>;
  /** Says something beside the answer. */
  advise(text: string): void;
  fail(message: string): void;
}

export function createAnswerView(): AnswerView {
  const status = element("p", { class: "status", role: "status" });
  const advice = element("p", { class: "advice" });
  const note = element("p", { class: "note" });
  const text = element("pre", { class: "shown", tabindex: "0", "aria-label": "Body of the answer" });
  const root = element("div", { class: "came" }, status, advice, note, text);
  root.hidden = true;

  function reset(kind: string): void {
    root.hidden = false;
    root.dataset.kind = kind;
    advice.textContent = "";
    note.replaceChildren();
    text.textContent = "";
    text.hidden = false;
  }

  return {
    root,
    async show(answer, ms) {
      reset(answer.ok ? "good" : "bad");
      const type = answer.headers.get("content-type") ?? "";
      status.replaceChildren(
        element("b", {}, `${answer.status} ${answer.statusText}`.trim()),
        ` · ${Math.round(ms)} ms${type && ` · ${type}`}`,
      );
      if (isText(type)) await showText(answer, { text, note });
      else await offerFile(answer, { text, note });
    },
    advise(words) {
      advice.textContent = words;
    },
    fail(message) {
      reset("bad");
      status.replaceChildren(element("b", {}, "Not sent"));
      note.textContent = message;
      text.hidden = true;
    },
  };
}

interface Places {
  text: HTMLElement;
  note: HTMLElement;
}

function isText(type: string): boolean {
  return type === "" || /^text\/|[/+](json|xml|javascript)\b|charset=/i.test(type);
}

async function showText(answer: Response, { text, note }: Places): Promise<void> {
  let whole = "";
  let length = 0;
  for await (const piece of piecesOf(answer)) {
    length += piece.length;
    whole = (whole + piece).slice(-CHARS_SHOWN_MAX);
    text.textContent = whole;
  }
  if (length > CHARS_SHOWN_MAX) note.textContent = `The last ${CHARS_SHOWN_MAX} of ${length} characters.`;
  else text.textContent = pretty(whole, answer);
  if (length === 0) note.textContent = "No body.";
  text.hidden = length === 0;
}

async function* piecesOf(answer: Response): AsyncGenerator<string> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return;
    yield piece.value;
  }
}

function pretty(text: string, answer: Response): string {
  if (!/json/i.test(answer.headers.get("content-type") ?? "") || text.length > PRETTY_CHARS_MAX) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // It says that it is JSON and is not: shown as it came.
    return text;
  }
}

async function offerFile(answer: Response, { text, note }: Places): Promise<void> {
  const bytes = await answer.blob();
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "answer";
  text.hidden = true;
  if (bytes.size === 0) return note.append("No body.");
  note.append(
    `${bytes.size} bytes. `,
    element("a", { href: URL.createObjectURL(bytes), download: name }, `Save ${name}`),
  );
}
