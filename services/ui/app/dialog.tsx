// A box over the page that keeps the keyboard until it is closed; Esc closes it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface DialogProps {
  label: string;
  close: () => void;
  children: ComponentChildren;
}

export function Dialog({ label, close, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // The browser says that it closed only in a moment, in which keys would still go to what is closed.
  function cancelled(event: Event): void {
    event.preventDefault();
    close();
  }
  return (
    <dialog ref={element} aria-label={label} onCancel={cancelled} onClose={close} closedby="any">
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
