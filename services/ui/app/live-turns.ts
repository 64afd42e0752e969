// What every running turn does at this moment, as a signal by the id of its prompt. However many frames come, it changes
// once for each picture that the browser paints.
import { signal } from "@preact/signals";
import { dropped, heard, isNothing, type Live, NOTHING, promptOf, settled } from "./live.js";
import type { Frame } from "./types.js";

/** Nodes do not hold what was thought: of the messages that were watched, the newest are kept. */
const THOUGHTS_MAX = 200;

export class LiveTurns {
  /** What was thought before a message, by the `seq` of its node. */
  readonly thoughts = signal<ReadonlyMap<number, string>>(new Map());
  readonly turns = signal<ReadonlyMap<string, Live>>(new Map());
  readonly #soon: (paint: () => void) => void;
  #next = new Map<string, Live>();
  #isSoon = false;

  /** `soon` calls back before the next picture. */
  constructor(soon: (paint: () => void) => void) {
    this.#soon = soon;
  }

  hear(frame: Frame): void {
    const id = promptOf(frame);
    if (id === undefined) return;
    const before = this.#next.get(id) ?? NOTHING;
    const after = heard(before, frame);
    if (after === before) return;
    this.#next.set(id, after);
    if (this.#isSoon) return;
    this.#isSoon = true;
    this.#soon(() => {
      this.#isSoon = false;
      this.#show();
    });
  }

  /** The nodes up to this one are there: what they hold is shown from them, in the same moment. */
  settle(seq: number): void {
    this.#keepThoughts(seq);
    this.#change((live) => settled(live, seq));
  }

  /** After a time without a connection: what was being written may have gone on. */
  forgetUnfinished(): void {
    this.#change((live) => ({ ...dropped(live), printed: NOTHING.printed }));
  }

  #keepThoughts(upTo: number): void {
    const found = [...this.#next.values()].flatMap(({ messages }) =>
      messages.flatMap((one) =>
        one.thinking !== "" && one.seq !== undefined && one.seq <= upTo
          ? [[one.seq, one.thinking] as const]
          : [],
      ),
    );
    if (found.length > 0)
      this.thoughts.value = new Map([...this.thoughts.value, ...found].slice(-THOUGHTS_MAX));
  }

  #change(change: (live: Live) => Live): void {
    let isChanged = false;
    for (const [id, before] of this.#next) {
      const after = change(before);
      isChanged ||= after !== before;
      this.#next.set(id, after);
    }
    if (isChanged) this.#show();
  }

  #show(): void {
    for (const [id, live] of this.#next) if (isNothing(live)) this.#next.delete(id);
    this.turns.value = new Map(this.#next);
  }
}
