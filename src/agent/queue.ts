// A queue between a reader and its one listener: the reader is told to wait while the listener is behind.

export interface PacedQueue<T> {
  push(item: T): void;
  /** Resolves when there is room, at once while `lift(true)` is in force. */
  room(): Promise<void>;
  /** While lifted the queue takes more than its limit: somebody waits for what comes behind. */
  lift(lifted: boolean): void;
  /** Nothing more will be pushed; what is in the queue is still handed out. */
  end(): void;
  /** Nothing is handed out any more, and what is pushed from now on is dropped. */
  drop(): void;
  items(): AsyncIterable<T>;
}

export function createPacedQueue<T>(itemsMax: number): PacedQueue<T> {
  let items: T[] = [];
  let next = 0;
  let lifted = false;
  let ended = false;
  let dropped = false;
  let wakeReader: (() => void) | undefined;
  let wakeListener: (() => void) | undefined;

  const length = () => items.length - next;
  const hasRoom = () => lifted || dropped || length() < itemsMax;

  function settle(): void {
    if (hasRoom()) wakeReader?.();
    if (length() > 0 || ended || dropped) wakeListener?.();
  }

  function shift(): T | undefined {
    const item = items[next++];
    if (next < items.length) return item;
    items = [];
    next = 0;
    return item;
  }

  async function* handOut(): AsyncGenerator<T> {
    for (;;) {
      while (length() === 0 && !ended && !dropped) await new Promise<void>((wake) => (wakeListener = wake));
      if (dropped || length() === 0) return;
      const item = shift() as T;
      settle();
      yield item;
    }
  }

  return {
    push(item) {
      if (dropped || ended) return;
      items.push(item);
      settle();
    },
    async room() {
      while (!hasRoom()) await new Promise<void>((wake) => (wakeReader = wake));
    },
    lift(value) {
      lifted = value;
      settle();
    },
    end() {
      ended = true;
      settle();
    },
    drop() {
      dropped = true;
      items = [];
      next = 0;
      settle();
    },
    items: handOut,
  };
}
