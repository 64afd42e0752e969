// Pure: the text of an event stream, in whatever pieces it comes → its blocks, and what is in one.

export interface StreamEvent {
  id?: number;
  retryMs?: number;
  data?: string;
}

/** One frame, undecoded; the largest tool result that a tree keeps is far below. */
const BLOCK_CHARS_MAX = 16 * 1024 * 1024;

/** A block ends with an empty line; what follows the last one waits for the next piece. */
export function createBlockReader(): (text: string) => string[] {
  let rest = "";
  return (text) => {
    // The end of a block may be split over two pieces, so the search begins one character early.
    const from = Math.max(0, rest.length - 1);
    rest += text;
    if (rest.length > BLOCK_CHARS_MAX)
      throw new Error(`a frame is longer than ${BLOCK_CHARS_MAX} characters`);
    if (rest.indexOf("\n\n", from) < 0) return [];
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks;
  };
}

/** Comments and fields that are not known are skipped. */
export function parseBlock(block: string): StreamEvent {
  const event: StreamEvent = {};
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") data.push(value);
    else if (name === "id" && isWhole(value)) event.id = Number(value);
    else if (name === "retry" && isWhole(value)) event.retryMs = Number(value);
  }
  if (data.length > 0) event.data = data.join("\n");
  return event;
}

function isWhole(value: string): boolean {
  return /^\d{1,15}$/.test(value);
}
