// For views that show sums of the tree: a number that changes a moment after nodes came, however many they are.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tree } from "./state.js";

const EVERY_MS = 1_000;

export function useChanges(): number {
  const seen = useSignal(tree.version.peek());
  const newest = tree.version.value;
  const isBehind = seen.value !== newest;
  useEffect(() => {
    if (!isBehind) return;
    // What comes meanwhile does not put it off.
    const timer = setTimeout(() => {
      seen.value = tree.version.peek();
    }, EVERY_MS);
    return () => clearTimeout(timer);
  }, [isBehind, seen]);
  return seen.value;
}
