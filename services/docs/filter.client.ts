// The filter: routes whose service, path or description hold every word that is typed.
import { find } from "./dom.client.js";

interface Entry {
  route: HTMLDetailsElement;
  text: string;
}

interface Group {
  section: Element;
  link: Element | null;
  count: Element | null;
  entries: Entry[];
  /** Of a service without routes, its own words. */
  text: string;
}

export function startFilter(routes: readonly HTMLDetailsElement[]): void {
  const input = find("#filter", HTMLInputElement);
  const nothing = find(".nothing", HTMLElement);
  const found = find("#found", HTMLElement);
  const groups = Array.from(document.querySelectorAll("section.service"), groupOf);

  function apply(): void {
    const words = wordsOf(input.value);
    const shown = groups.map((group) => showMatching(group, words)).reduce((sum, count) => sum + count, 0);
    found.textContent = words.length > 0 ? `${shown} of ${routes.length} routes` : whole;
    nothing.hidden = groups.some(({ section }) => !section.hasAttribute("hidden"));
  }

  function clear(): void {
    input.value = "";
    apply();
  }

  const whole = found.textContent;
  input.addEventListener("input", apply);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
    if (event.key === "Enter") firstShown(routes)?.focus();
  });
  find("button", HTMLButtonElement, nothing).addEventListener("click", () => {
    clear();
    input.focus();
  });
  focusOnSlash(input);
  if (input.value !== "") apply();
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

function groupOf(section: Element): Group {
  const head = section.querySelector(".head");
  const ownText = head?.textContent ?? "";
  const link = document.querySelector(`nav a[href="#${section.querySelector("h2")?.id}"]`);
  return {
    section,
    link,
    count: link?.querySelector("small") ?? null,
    entries: Array.from(section.querySelectorAll<HTMLDetailsElement>("details.route"), (route) => ({
      route,
      text: `${ownText} ${route.textContent}`.toLowerCase(),
    })),
    text: ownText.toLowerCase(),
  };
}

/** Returns how many routes of the service match. */
function showMatching({ section, link, count, entries, text }: Group, words: readonly string[]): number {
  const matches = (all: string) => words.every((word) => all.includes(word));
  let shown = 0;
  for (const { route, text } of entries) {
    route.hidden = !matches(text);
    if (!route.hidden) shown++;
  }
  const isShown = shown > 0 || matches(text);
  section.toggleAttribute("hidden", !isShown);
  link?.parentElement?.toggleAttribute("hidden", !isShown);
  if (count) count.textContent = String(shown);
  return shown;
}

function firstShown(routes: readonly HTMLDetailsElement[]): HTMLElement | null | undefined {
  return routes.find((route) => route.checkVisibility())?.querySelector("summary");
}

function focusOnSlash(input: HTMLInputElement): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}
