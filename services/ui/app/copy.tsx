// Copies a text, in a way that works over plain http and without being given the clipboard.
import { useSignal } from "@preact/signals";

const SAID_MS = 1_500;

interface CopyButtonProps {
  /** As in "Copy link". */
  what: string;
  text: () => string;
  class?: string;
}

export function CopyButton({ what, text, class: name = "" }: CopyButtonProps) {
  const said = useSignal<string | undefined>(undefined);
  function copyNow(): void {
    said.value = copied(text()) ? "Copied" : "Not copied";
    setTimeout(() => {
      said.value = undefined;
    }, SAID_MS);
  }
  return (
    <button type="button" class={`quiet small ${name}`} onClick={copyNow} aria-live="polite">
      {said.value ?? `Copy ${what}`}
    </button>
  );
}

/** From a text area that is gone at once; within the dialog that is open, which keeps the keyboard to itself. */
function copied(text: string): boolean {
  const area = document.createElement("textarea");
  const before = document.activeElement;
  area.value = text;
  area.className = "aside";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return isDone;
}
