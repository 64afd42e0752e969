// The dashboard's signs, drawn in the color of the text around them.
import type { Kind } from "./kinds.js";

const PATHS = {
  prompt: "M5 3.5 10 8l-5 4.5",
  reply: "M2.5 3.5h11v7.5h-6L4.5 13.5V11h-2z",
  call: "M3 4.5 6.5 8 3 11.5M8.5 11.5H13",
  result: "M4 3v5.5h8M9.5 6 12 8.5 9.5 11",
  question: "M5.8 6a2.2 2.2 0 1 1 3.4 1.9C8.4 8.4 8 8.8 8 9.6M8 12v.2",
  cron: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2.2 1.3",
  deploy: "M8 11V3M4.8 6.2 8 3l3.2 3.2M3 13h10",
  event: "M8 3.2 12.8 8 8 12.8 3.2 8z",
  error: "M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6",
  system: "M3 3.5h10v9H3zM3 6.5h10",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10.2 10.2 13.5 13.5",
  light:
    "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1",
  dark: "M12.8 9.6A5.3 5.3 0 0 1 6.4 3.2a5.3 5.3 0 1 0 6.4 6.4z",
  auto: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  back: "M9.5 3.5 5 8l4.5 4.5",
  folded: "M6 4l4 4-4 4",
  unfolded: "M4 6l4 4 4-4",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  feed: "M3 4h10M3 8h10M3 12h6",
  tasks: "M3 4.5 4.3 6 6.5 3.2M3 11 4.3 12.5 6.5 9.7M9 4.5h4M9 11h4",
  services: "M3 3h4v4H3zM9 3h4v4H9zM3 9h4v4H3zM9 9h4v4H9z",
  overview: "M3 13V8.5M8 13V3M13 13V6",
  passed: "M3.5 8.5 6.5 11.5 12.5 4.5",
  running: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5",
  skipped: "M4 8h8",
} satisfies Record<Kind, string> & Record<string, string>;

export type Sign = keyof typeof PATHS;

export function Icon({ sign, class: name }: { sign: Sign; class?: string }) {
  return (
    <svg class={name ? `icon ${name}` : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[sign]} />
    </svg>
  );
}
