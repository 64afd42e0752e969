// Ids that sort by the time of their making: upper-case ULIDs, strictly increasing also within one millisecond and
// after the clock went back.

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/** A source of ids greater than `after`, the newest id that is already stored. */
export function ulid(options: { after?: string; now?: () => number } = {}): () => string {
  const { after = "", now = Date.now } = options;
  let lastTime = after.slice(0, TIME_CHARS).toUpperCase();
  let lastRandom = after.slice(TIME_CHARS).toUpperCase();
  return () => {
    const time = timePart(now());
    if (time > lastTime) {
      lastTime = time;
      lastRandom = randomPart();
    } else {
      lastRandom = increment(lastRandom);
    }
    return lastTime + lastRandom;
  };
}

/** Upper-case, or undefined for what is no ULID. */
export function asUlid(text: string): string | undefined {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text) ? text.toUpperCase() : undefined;
}

/** When an id was made, in epoch milliseconds. */
export function timeOf(id: string): number {
  let ms = 0;
  for (const digit of id.slice(0, TIME_CHARS)) ms = ms * 32 + DIGITS.indexOf(digit);
  return ms;
}

/** No id made up to then is greater, and every later one is; empty before 1970. */
export function lastIdAt(ms: number): string {
  return ms < 0 ? "" : timePart(ms) + "Z".repeat(RANDOM_CHARS);
}

function timePart(ms: number): string {
  let text = "";
  for (let left = ms; text.length < TIME_CHARS; left = Math.floor(left / 32)) text = DIGITS[left % 32] + text;
  return text;
}

function randomPart(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_CHARS))) text += DIGITS[byte % 32];
  return text;
}

function increment(text: string): string {
  const last = text.replace(/Z*$/, "");
  if (last === "") throw new RangeError(`No id comes after ${text} within its millisecond.`);
  const next = DIGITS[DIGITS.indexOf(last.at(-1) ?? "") + 1];
  return last.slice(0, -1) + next + "0".repeat(text.length - last.length);
}
