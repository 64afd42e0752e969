// What stays in this browser over reloads and sign-outs. Where the browser keeps nothing, it lasts as long as the page.

export interface Kept {
  get(name: string): string | undefined;
  /** Undefined forgets it. */
  set(name: string, text: string | undefined): void;
  names(): string[];
}

type Places = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const PREFIX = "reef:";

export function keptIn(storage: Places | undefined): Kept {
  /** What the browser refused to keep: its space is full, or the person has forbidden it. */
  const refused = new Map<string, string>();
  return {
    get: (name) => refused.get(name) ?? storage?.getItem(PREFIX + name) ?? undefined,
    set(name, text) {
      refused.delete(name);
      if (text === undefined) return storage?.removeItem(PREFIX + name);
      try {
        if (!storage) refused.set(name, text);
        storage?.setItem(PREFIX + name, text);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        storage?.removeItem(PREFIX + name);
        refused.set(name, text);
      }
    },
    names() {
      const stored = Array.from({ length: storage?.length ?? 0 }, (_, at) => storage?.key(at) ?? "");
      const own = stored.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
      return [...new Set([...own, ...refused.keys()])];
    },
  };
}

/** The browser's own; reading it throws where the person has forbidden it. */
export function browserStorage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

export const kept = keptIn(browserStorage());
