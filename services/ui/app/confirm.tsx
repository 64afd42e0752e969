// Asks before something is done that cannot be undone. One question at a time.
import { signal } from "@preact/signals";
import { Dialog } from "./dialog.tsx";

export interface Asked {
  question: string;
  /** What else goes with it. */
  details?: readonly string[];
  /** What the button says that does it. */
  yes: string;
}

const open = signal<(Asked & { answer: (isYes: boolean) => void }) | undefined>(undefined);

/** Resolves to true when the person says yes. */
export function confirmed(asked: Asked): Promise<boolean> {
  open.value?.answer(false);
  return new Promise((resolve) => {
    open.value = { ...asked, answer: resolve };
  });
}

export function Confirm() {
  const asked = open.value;
  if (!asked) return null;
  const answer = (isYes: boolean) => {
    open.value = undefined;
    asked.answer(isYes);
  };
  return (
    <Dialog label={asked.question} close={() => answer(false)}>
      <h2>{asked.question}</h2>
      {asked.details && asked.details.length > 0 && (
        <ul class="details">
          {asked.details.map((detail) => (
            <li key={detail}>{detail}</li>
          ))}
        </ul>
      )}
      <div class="dialog-line">
        <button type="button" onClick={() => answer(false)}>
          Back
        </button>
        <button type="button" class="danger solid" autofocus onClick={() => answer(true)}>
          {asked.yes}
        </button>
      </div>
    </Dialog>
  );
}
