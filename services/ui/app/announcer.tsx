// Says aloud, to those who listen instead of looking, what came: replies in the conversation that is shown, and questions.
import { effect, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { firstLine } from "./format.js";
import { branch, pending } from "./state.js";

export function Announcer() {
  const said = useSignal("");
  useEffect(() => {
    let shown = branch.nodeId.peek();
    let newest = Number.POSITIVE_INFINITY;
    return effect(() => {
      const nodes = branch.nodes.value;
      const last = nodes.findLast(({ role }) => role === "assistant");
      const isSame = branch.nodeId.value === shown;
      if (isSame && last && last.seq > newest) said.value = `Reply: ${firstLine(last.content)}`;
      shown = branch.nodeId.value;
      newest = nodes.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
    });
  }, [said]);
  useEffect(() => {
    let before = pending.peek().length;
    return effect(() => {
      const last = pending.value.at(-1);
      if (last && pending.value.length > before) said.value = `Question: ${firstLine(last.content)}`;
      before = pending.value.length;
    });
  }, [said]);
  return (
    <p class="aside" role="status" aria-live="polite">
      {said.value}
    </p>
  );
}
