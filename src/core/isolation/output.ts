// What a process writes to stdout and stderr, line by line to the log: long lines are cut, and of too many only the first
// are shown, so that a service that prints in a loop fills nobody's disk.

export const LINE_CHARS_MAX = 4_096;
export const LINES_PER_SECOND_MAX = 200;

export interface LineOptions {
  write(line: string): void;
  now?(): number;
}

/** Resolves when the stream has ended. */
export async function readLines(stream: ReadableStream<Uint8Array>, options: LineOptions): Promise<void> {
  const lines = new Lines(options);
  const decoder = new TextDecoder();
  for await (const chunk of stream) lines.push(decoder.decode(chunk, { stream: true }));
  lines.end();
}

class Lines {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #tail = "";
  /** The rest of a line whose beginning was written already. */
  #isCut = false;
  #second = 0;
  #written = 0;
  #left = 0;

  constructor({ write, now = Date.now }: LineOptions) {
    this.#write = write;
    this.#now = now;
  }

  push(text: string): void {
    const lines = text.split("\n");
    const tail = lines.pop() ?? "";
    for (const line of lines) {
      this.#line(this.#tail + line);
      this.#tail = "";
    }
    this.#tail += tail;
    if (this.#tail.length <= LINE_CHARS_MAX) return;
    if (!this.#isCut) this.#line(this.#tail);
    this.#isCut = true;
    this.#tail = "";
  }

  end(): void {
    if (this.#tail !== "") this.#line(this.#tail);
    this.#tellLeft();
  }

  #line(line: string): void {
    const isRest = this.#isCut;
    this.#isCut = false;
    if (isRest || line.trim() === "") return;
    this.#count();
    if (this.#written > LINES_PER_SECOND_MAX) this.#left++;
    else this.#write(line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)}…` : line);
  }

  #count(): void {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#tellLeft();
      this.#written = 0;
    }
    this.#second = second;
    this.#written++;
  }

  #tellLeft(): void {
    if (this.#left > 0) this.#write(`… (${this.#left} more lines)`);
    this.#left = 0;
  }
}
