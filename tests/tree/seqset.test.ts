// The set of seqs behind every walk: it is compared with a plain sorted set.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { SeqSet } from "../../src/tree/seqset.js";

test("a SeqSet holds and orders what a sorted set would", () => {
  const seq = fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 1, max: 20_000 }),
    fc.constantFrom(31, 32, 63, 4095, 4096, 8191),
  );
  fc.assert(
    fc.property(fc.array(seq), seq, (seqs, edge) => {
      const set = new SeqSet();
      const fresh = seqs.filter((one) => set.add(one));
      const sorted = [...new Set(seqs)].sort((a, b) => a - b);
      expect(fresh).toHaveLength(sorted.length);
      expect(set.has(edge)).toBe(seqs.includes(edge));
      expect([...set.ascending(edge)]).toEqual(sorted.filter((one) => one > edge));
      expect([...set.descending(edge)]).toEqual(sorted.filter((one) => one < edge).reverse());
    }),
  );
});
