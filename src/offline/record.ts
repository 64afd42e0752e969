// Remembers the newest requests, so that a test can ask what the model was sent. Keys never get in.

export interface RecordedRequest {
  /** Epoch milliseconds. */
  at: number;
  /** The parsed JSON, or the text when it was none. */
  body: unknown;
  headers: Record<string, string>;
}

const REQUESTS_MAX = 100;
/** Characters of all bodies that are kept; the newest request is kept whatever its size. */
const CHARACTERS_MAX = 16 * 1024 * 1024;
const SECRET_HEADERS = ["x-api-key", "authorization", "proxy-authorization", "cookie"];

export class RequestLog {
  #kept: { request: RecordedRequest; characters: number }[] = [];
  #characters = 0;
  #count = 0;

  add(at: number, body: unknown, characters: number, headers: Headers): void {
    this.#kept.push({ request: { at, body, headers: shown(headers) }, characters });
    this.#characters += characters;
    this.#count += 1;
    while (this.#kept.length > 1 && (this.#kept.length > REQUESTS_MAX || this.#characters > CHARACTERS_MAX)) {
      this.#characters -= this.#kept.shift()?.characters ?? 0;
    }
  }

  /** Newest last. */
  newest(limit = REQUESTS_MAX): RecordedRequest[] {
    return this.#kept.slice(-limit).map(({ request }) => request);
  }

  /** All requests ever, also those that are no longer kept. */
  get count(): number {
    return this.#count;
  }
}

function shown(headers: Headers): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of headers) shown[name] = SECRET_HEADERS.includes(name) ? "redacted" : value;
  return shown;
}
