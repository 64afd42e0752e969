// Prompts that were sent and have no node yet: shown where they will be.
import { outbox } from "./sending.js";

/** `place` holds the ids under one of which they are to go; undefined for new tasks. */
export function Outgoings({ place }: { place: ReadonlySet<string> | undefined }) {
  const here = outbox.entries.value.filter(({ parentId }) =>
    parentId === undefined ? place === undefined : place?.has(parentId),
  );
  return here.map(({ key, text }) => (
    <article key={key} class="turn outgoing" aria-busy="true">
      <div class="prompt">
        <div class="prompt-text">{text}</div>
      </div>
      <p class="turn-sum muted">
        {outbox.waiting.value.has(key)
          ? "Not sent yet: it goes out as soon as the server is back."
          : "Sending…"}
      </p>
    </article>
  ));
}
