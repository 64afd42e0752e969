// What stands in the place of an answer until it is there, and what is said when it does not come.
import type { ComponentChildren } from "preact";
import type { Loaded } from "./use-loaded.js";

interface LoadingProps<T> {
  of: Loaded<T>;
  children: (data: T) => ComponentChildren;
}

export function Loading<T>({ of: { data, error, reload }, children }: LoadingProps<T>) {
  return (
    <>
      {error !== undefined && (
        <p class="bad" role="alert">
          It could not be read: {error}.{" "}
          <button type="button" class="small" onClick={reload}>
            Try again
          </button>
        </p>
      )}
      {data !== undefined
        ? children(data)
        : error === undefined && (
            <p class="muted" role="status">
              Loading…
            </p>
          )}
    </>
  );
}
