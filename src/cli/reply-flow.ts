// Pure: streamed text, reconciled with the whole message when that has come, so that a reply is printed once.
import { field } from "./answers.js";
import { plain } from "./text.js";

export interface ReplyFlow {
  /** A live update → what to print of it. */
  update(event: unknown): string;
  /** The model begins a message: what was streamed of one before it will not be completed. */
  begin(): string;
  /** The whole message → what of it was not printed yet, and its last line break. */
  end(content: string): string;
  /** A line break, when a line is open. */
  close(): string;
}

/** `streams: false` prints whole messages only. */
export function createReplyFlow({ streams }: { streams: boolean }): ReplyFlow {
  /** What of the message in progress was printed; undefined while its beginning has not been seen. */
  let printed: string | undefined;
  let lineIsOpen = false;
  /** White space at the end waits for what follows it: a message ends with one line break, whatever it ends with. */
  let held = "";

  function print(text: string): string {
    const all = plain(held + text);
    const shown = lineIsOpen ? all.trimEnd() : all.trim();
    held = all.slice(all.trimEnd().length);
    lineIsOpen ||= shown !== "";
    return shown;
  }

  function close(): string {
    const lineBreak = lineIsOpen ? "\n" : "";
    lineIsOpen = false;
    held = "";
    return lineBreak;
  }

  return {
    close,
    begin() {
      printed = undefined;
      return close();
    },
    update(event) {
      if (!streams) return "";
      if (field(event, "type") === "text_start") printed ??= "";
      const delta = field(event, "delta");
      if (field(event, "type") !== "text_delta" || typeof delta !== "string" || printed === undefined)
        return "";
      printed += delta;
      return print(delta);
    },
    end(content) {
      const rest = restOf(content, printed ?? "");
      printed = undefined;
      return rest === undefined ? close() + print(content) + close() : print(rest) + close();
    },
  };
}

/** What of `whole` has not been printed; undefined when what was printed is not its beginning. */
function restOf(whole: string, printed: string): string | undefined {
  const begun = printed.trimStart();
  if (whole.startsWith(begun)) return whole.slice(begun.length);
  return begun.trimEnd() === whole ? "" : undefined;
}
