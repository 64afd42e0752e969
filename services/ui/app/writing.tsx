// What a running turn does at this moment: the text as it is written, until its node stands in the same place.
import type { Writing } from "./live.js";
import { Markdown } from "./markdown.tsx";
import { liveTurns } from "./state.js";

export function WritingNow({ promptId }: { promptId: string }) {
  const live = liveTurns.turns.value.get(promptId);
  return (
    <>
      {live?.messages.map((message, at) => (
        <Message key={message.seq ?? `now ${at}`} message={message} />
      ))}
      {live?.notice && <p class="note muted">{live.notice}</p>}
    </>
  );
}

/** Folded: what was said counts. Nothing for messages that nobody watched, since nodes do not hold it. */
export function Thought({ seq }: { seq: number }) {
  const text = liveTurns.thoughts.value.get(seq);
  return text === undefined ? null : <Thinking label="thought" text={text} />;
}

function Thinking({ label, text }: { label: string; text: string }) {
  return (
    <details class="thinking">
      <summary class="muted">{label}</summary>
      <p class="thought">{text}</p>
    </details>
  );
}

function Message({ message: { text, thinking, calling, isCut, seq } }: { message: Writing }) {
  const isDone = seq !== undefined;
  return (
    <div class="item item-reply writing" aria-busy={!isDone}>
      {thinking !== "" && <Thinking label={text === "" ? "thinking…" : "thought"} text={thinking} />}
      {text !== "" && <Markdown text={isCut ? `… ${text}` : text} />}
      <div class="foot">
        {calling && <span class="muted">calls {calling}…</span>}
        {!isDone && <span class="caret" />}
      </div>
    </div>
  );
}
