// An answer of the server in a view: loaded when the view appears, and again when it asks.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, messageOf } from "./api.js";

export interface Loaded<T> {
  /** What was read last; undefined until then. */
  data: T | undefined;
  error: string | undefined;
  reload(): void;
}

/** `again` may be any value: when it changes, it is loaded anew, and what is known stays until then. */
export function useLoaded<T>(path: string, again?: unknown): Loaded<T> {
  const answer = useSignal<{ path: string; data: T } | undefined>(undefined);
  const error = useSignal<string | undefined>(undefined);
  const tries = useSignal(0);
  useEffect(() => {
    const gone = new AbortController();
    void api<T>("GET", path, undefined, { signal: gone.signal }).then(
      (data) => {
        answer.value = { path, data };
        error.value = undefined;
      },
      (reason: unknown) => {
        if (!gone.signal.aborted) error.value = messageOf(reason);
      },
    );
    return () => gone.abort();
  }, [path, again, answer, error, tries.value]);
  const { value } = answer;
  return {
    data: value?.path === path ? value.data : undefined,
    error: error.value,
    reload: () => {
      tries.value++;
    },
  };
}
