// A set of seqs in order: one bit each, in chunks, so that a million of them take 125 KB.

const CHUNK = 4096;
const WORD = 32;

export class SeqSet {
  readonly #chunks = new Map<number, Uint32Array>();
  #chunkMax = -1;

  /** True when it was not there before. */
  add(seq: number): boolean {
    const words = this.#chunk(Math.floor(seq / CHUNK));
    const word = Math.floor((seq % CHUNK) / WORD);
    const bit = 1 << (seq % WORD);
    const old = words[word] ?? 0;
    words[word] = old | bit;
    return (old & bit) === 0;
  }

  has(seq: number): boolean {
    const word = this.#chunks.get(Math.floor(seq / CHUNK))?.[Math.floor((seq % CHUNK) / WORD)] ?? 0;
    return (word & (1 << (seq % WORD))) !== 0;
  }

  /** Those above `after`, smallest first. */
  *ascending(after: number): Generator<number> {
    for (let chunk = Math.floor((after + 1) / CHUNK); chunk <= this.#chunkMax; chunk++)
      for (const seq of this.#seqsOf(chunk)) if (seq > after) yield seq;
  }

  /** Those below `before`, greatest first. */
  *descending(before: number): Generator<number> {
    for (let chunk = Math.min(this.#chunkMax, Math.floor((before - 1) / CHUNK)); chunk >= 0; chunk--)
      for (const seq of this.#seqsOf(chunk).reverse()) if (seq < before) yield seq;
  }

  #chunk(index: number): Uint32Array {
    const known = this.#chunks.get(index);
    if (known !== undefined) return known;
    const fresh = new Uint32Array(CHUNK / WORD);
    this.#chunks.set(index, fresh);
    this.#chunkMax = Math.max(this.#chunkMax, index);
    return fresh;
  }

  #seqsOf(chunk: number): number[] {
    const seqs: number[] = [];
    for (const [word, bits] of this.#chunks.get(chunk)?.entries() ?? [])
      for (let left = bits; left !== 0; left &= left - 1)
        seqs.push(chunk * CHUNK + word * WORD + (WORD - 1 - Math.clz32(left & -left)));
    return seqs;
  }
}
