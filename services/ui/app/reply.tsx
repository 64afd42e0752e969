// The box under a node: what is written there goes on from that node. While its task runs, it is said into the run instead.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { messageOf } from "./api.js";
import { isOpen, type Turn } from "./branch.js";
import { drafts } from "./drafts.js";
import { replyTo } from "./feed-state.js";
import { REPLY_ID } from "./reply-box.js";
import { refusal, steer, submit } from "./sending.js";
import { branch, isSignedOut } from "./state.js";

export interface ReplyProps {
  /** Undefined for a new task. */
  parentId: string | undefined;
  /** True when it is another node than the end of the conversation. */
  isFork?: boolean;
  /** The newest turn of the conversation. */
  turn?: Turn;
  suggestion?: string;
}

export function Reply({ parentId, isFork = false, turn, suggestion = "" }: ReplyProps) {
  const text = useSignal("");
  const isBusy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  const box = useRef<HTMLTextAreaElement>(null);
  const running = !isFork && turn && isOpen(turn) ? turn.user.taskId : undefined;
  // A running turn grows: what is said into it is kept under its prompt.
  const place = running === undefined ? parentId : turn?.user.id;
  const refused = refusal.value?.place === place ? refusal.value?.message : undefined;

  const end = useRef<string | undefined>(undefined);
  useEffect(() => {
    // The conversation went on while somebody wrote at its end: the end is elsewhere now.
    const before = end.current;
    if (before !== undefined && !isFork && branch.holds(before)) drafts.carry(before, place);
    end.current = isFork ? undefined : place;
    text.value = drafts.read(place) || suggestion;
    error.value = undefined;
  }, [place, isFork, suggestion, text, error, refusal.value]);
  useEffect(() => {
    if (isFork) box.current?.focus();
  }, [isFork, parentId]);

  function write(value: string): void {
    text.value = value;
    drafts.write(place, value);
  }

  async function sendNow(mode: "steer" | "follow_up" = "steer"): Promise<void> {
    const message = text.value.trim();
    if (message === "" || isBusy.value || isSignedOut.value) return;
    error.value = undefined;
    if (running === undefined) {
      write("");
      return submit(message, { parentId, endOf: isFork ? undefined : turn?.user.taskId });
    }
    isBusy.value = true;
    try {
      await steer(running, message, mode);
      write("");
    } catch (reason) {
      // What was written stays in the box.
      error.value = messageOf(reason);
    } finally {
      isBusy.value = false;
    }
  }

  const label = running ? "Say something into the run" : parentId === undefined ? "A new task" : "Reply";
  const isBlank = text.value.trim() === "";
  const told = error.value ?? refused;
  return (
    <form
      class="reply-box"
      onSubmit={(event) => {
        event.preventDefault();
        void sendNow();
      }}
    >
      {isFork && <ForkNote />}
      <textarea
        ref={box}
        id={REPLY_ID}
        rows={2}
        aria-label={label}
        placeholder={label}
        value={text.value}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void sendNow();
        }}
      />
      <div class="reply-line">
        {told !== undefined && (
          <span class="bad" role="alert">
            Not sent: {told}
          </span>
        )}
        <span class="grow muted wide-only">Ctrl+Enter sends</span>
        {running && (
          <button type="button" disabled={isBusy.value || isBlank} onClick={() => void sendNow("follow_up")}>
            Say after it is done
          </button>
        )}
        <button type="submit" class="primary" disabled={isBusy.value || isSignedOut.value || isBlank}>
          {running ? "Steer" : "Send"}
        </button>
      </div>
    </form>
  );
}

function ForkNote() {
  return (
    <p class="fork">
      A new branch from the node that you chose.{" "}
      <button type="button" class="quiet small" onClick={() => (replyTo.value = undefined)}>
        Reply at the end instead
      </button>
    </p>
  );
}
