// How high a row of the feed is: dense for a mouse, a finger's breadth where one touches.
import { signal } from "@preact/signals";

const DENSE_PX = 28;
const TOUCH_PX = 40;

export const rowPx = signal(DENSE_PX);

export function watchRowSize(): void {
  const touch = matchMedia("(max-width: 640px), (pointer: coarse)");
  const set = () => {
    rowPx.value = touch.matches ? TOUCH_PX : DENSE_PX;
  };
  set();
  touch.addEventListener("change", set);
}
