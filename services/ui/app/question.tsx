// A question of a run, and its answer: a choice, a yes or no, or a text.
import { useSignal } from "@preact/signals";
import { ApiError, api } from "./api.js";
import { Ask } from "./ask.tsx";
import { now } from "./clock.js";
import { clock, exact } from "./format.js";
import { pending } from "./state.js";
import type { TreeNode } from "./types.js";

interface Request {
  method?: string;
  title?: string;
  message?: string;
  options?: string[];
  placeholder?: string;
  prefill?: string;
}

type Answer = { value: string } | { confirmed: boolean } | { cancelled: true };

export function Question({ node, answer }: { node: TreeNode; answer: TreeNode | undefined }) {
  const request = (node.meta?.request ?? {}) as Request;
  const isLate = useSignal(false);

  async function give(given: Answer): Promise<void> {
    try {
      const path = `/reef/tasks/${encodeURIComponent(node.taskId ?? "")}/answer`;
      await api("POST", path, { nodeId: node.id, ...given });
    } catch (error) {
      // Somebody else was first: no fault of who answers here.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      isLate.value = true;
    }
  }

  const isOpen = pending.value.some(({ id }) => id === node.id);
  return (
    <section class={answer ? "question-box" : "question-box open"} aria-label="Question">
      <p class="question-title">{request.title || node.content}</p>
      {request.message && <p class="question-text">{request.message}</p>}
      {isLate.value && <p class="muted">It was answered elsewhere meanwhile.</p>}
      {answer ? (
        <Given answer={answer} />
      ) : isOpen && !isLate.value ? (
        <Choices request={request} give={give} />
      ) : (
        <p class="muted">It waits for no answer any more.</p>
      )}
    </section>
  );
}

function Given({ answer }: { answer: TreeNode }) {
  const { source, content, meta, timestamp } = answer;
  const by = typeof meta?.by === "string" ? ` by ${meta.by}` : "";
  const how = source === "timeout" ? "Its time was up:" : `Answered${by}:`;
  return (
    <p class="muted">
      {how} <strong class="answer">{meta?.cancelled === true ? "no answer" : content}</strong>{" "}
      <time title={exact(timestamp)}>{clock(timestamp, now.value)}</time>
    </p>
  );
}

interface ChoicesProps {
  request: Request;
  give: (answer: Answer) => Promise<void>;
}

function Choices({ request, give }: ChoicesProps) {
  const none = (
    <Ask class="quiet" work={() => give({ cancelled: true })}>
      No answer
    </Ask>
  );
  if (request.method === "confirm") {
    return (
      <div class="choices">
        <Ask class="primary" work={() => give({ confirmed: true })}>
          Yes
        </Ask>
        <Ask work={() => give({ confirmed: false })}>No</Ask>
      </div>
    );
  }
  if (request.method !== "select") return <Written request={request} give={give} none={none} />;
  return (
    <div class="choices">
      {request.options?.map((option) => (
        <Ask key={option} work={() => give({ value: option })}>
          {option}
        </Ask>
      ))}
      {none}
    </div>
  );
}

function Written({ request, give, none }: ChoicesProps & { none: preact.JSX.Element }) {
  const text = useSignal(request.prefill ?? "");
  return (
    <div class="choices">
      <textarea
        aria-label="Your answer"
        rows={request.method === "editor" ? 6 : 1}
        placeholder={request.placeholder ?? ""}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <Ask class="primary" work={() => give({ value: text.value })}>
        Answer
      </Ask>
      {none}
    </div>
  );
}
