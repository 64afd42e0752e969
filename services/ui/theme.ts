// The colors of the dashboard and of its panels, light and dark: the variables that panels may use, and a few of the
// dashboard's own.

const DARK = {
  bg: "#0d1117",
  "bg-panel": "#131922",
  "bg-card": "#1a212c",
  border: "#2d3745",
  text: "#c8d1dc",
  "text-dim": "#8b97a6",
  "text-bright": "#f0f5fa",
  accent: "#4cc2b0",
  "on-accent": "#06201c",
  blue: "#6cb6ff",
  purple: "#c297ff",
  yellow: "#e3b341",
  red: "#ff7b72",
  orange: "#ffa657",
};

const LIGHT: Record<keyof typeof DARK, string> = {
  bg: "#f6f8fa",
  "bg-panel": "#ffffff",
  "bg-card": "#f0f3f6",
  border: "#d3dae2",
  text: "#2c3540",
  "text-dim": "#5a6673",
  "text-bright": "#0c1116",
  accent: "#0b6e63",
  "on-accent": "#ffffff",
  blue: "#0757ba",
  purple: "#6f36c4",
  yellow: "#805500",
  red: "#b4232b",
  orange: "#9a4200",
};

/** Follows the system unless `data-theme` on the root says otherwise. */
export const THEME_CSS = `:root { color-scheme: dark; ${declared(DARK)} }
@media (prefers-color-scheme: light) { :root { color-scheme: light; ${declared(LIGHT)} } }
:root[data-theme="dark"] { color-scheme: dark; ${declared(DARK)} }
:root[data-theme="light"] { color-scheme: light; ${declared(LIGHT)} }`;

function declared(colors: Record<string, string>): string {
  return Object.entries(colors)
    .map(([name, color]) => `--${name}: ${color};`)
    .join(" ");
}
