// Task tokens: who they stand for, from hand-over until the run ends. Kept in memory only.
import type { Caller } from "../core/types.js";

export interface TaskTokens {
  /** Binds a token to a task and its current `user` node. Returns how to revoke it. */
  bind(token: string, caller: Caller): () => void;
  resolve(token: string): Caller | null;
}

export function createTaskTokens(): TaskTokens {
  const callers = new Map<string, Caller>();
  // Looked up by digest, so that the time of a look-up says nothing about how much of a token was right.
  const digest = (token: string) => new Bun.CryptoHasher("sha256").update(token).digest("hex");
  return {
    bind(token, caller) {
      const key = digest(token);
      callers.set(key, caller);
      return () => void callers.delete(key);
    },
    resolve: (token) => callers.get(digest(token)) ?? null,
  };
}
