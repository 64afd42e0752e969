// A button for work that takes a moment and may be refused: it says so beside itself.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { messageOf } from "./api.js";
import { type Asked, confirmed } from "./confirm.tsx";

interface AskProps {
  children: ComponentChildren;
  work: () => Promise<unknown>;
  /** Asked before; the work is not done unless the answer is yes. */
  confirm?: () => Asked;
  class?: string;
  title?: string;
  /** For who hears the button and does not see what stands around it. */
  label?: string;
}

export function Ask({ children, work, confirm, class: name, title, label }: AskProps) {
  const isBusy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  async function run(): Promise<void> {
    if (isBusy.value || (confirm && !(await confirmed(confirm())))) return;
    isBusy.value = true;
    error.value = undefined;
    try {
      await work();
    } catch (reason) {
      error.value = messageOf(reason);
    } finally {
      isBusy.value = false;
    }
  }
  return (
    <>
      <button
        type="button"
        class={name}
        title={title}
        aria-label={label}
        aria-busy={isBusy.value}
        disabled={isBusy.value}
        onClick={() => void run()}
      >
        {children}
      </button>
      {error.value !== undefined && (
        <span class="bad" role="alert">
          {error.value}
        </span>
      )}
    </>
  );
}
