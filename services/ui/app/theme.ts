// Light or dark: as the system says, unless the person at the dashboard said otherwise.
import { effect, signal } from "@preact/signals";
import { kept } from "./kept.js";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const NAME = "theme";

export const theme = signal<Theme>(THEMES.find((one) => one === kept.get(NAME)) ?? "system");
/** What the system wants. */
const systemIsLight = signal(false);

/** Which of the two is shown now. */
export function shownTheme(): "light" | "dark" {
  if (theme.value !== "system") return theme.value;
  return systemIsLight.value ? "light" : "dark";
}

export function applyTheme(): void {
  const light = matchMedia("(prefers-color-scheme: light)");
  systemIsLight.value = light.matches;
  light.addEventListener("change", () => {
    systemIsLight.value = light.matches;
  });
  effect(() => {
    const chosen = theme.value;
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    kept.set(NAME, chosen === "system" ? undefined : chosen);
  });
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
}
