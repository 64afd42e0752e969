// The side list shows in which service one is reading.
import { find } from "./dom.client.js";

/** The part of the window in which a service counts as the one that is read: below the header, above the middle. */
const READING_AREA = "-72px 0px -60% 0px";

export function startGuide(): void {
  const nav = find("nav", HTMLElement);
  const links = new Map(Array.from(nav.querySelectorAll("a"), (link) => [link.hash.slice(1), link]));
  const visible = new Set<string>();
  let current: HTMLAnchorElement | undefined;

  function mark(): void {
    const [name] = [...links.keys()].filter((id) => visible.has(id));
    const next = name === undefined ? current : links.get(name);
    if (next === current) return;
    current?.removeAttribute("aria-current");
    next?.setAttribute("aria-current", "true");
    if (next) centre(nav, next);
    current = next;
  }

  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        const id = target.getAttribute("aria-labelledby") ?? "";
        if (isIntersecting) visible.add(id);
        else visible.delete(id);
      }
      mark();
    },
    { rootMargin: READING_AREA },
  );
  for (const section of document.querySelectorAll("section.service")) observer.observe(section);
}

/** Moves the list alone: `scrollIntoView` could move the page under a pointer that is about to click. */
function centre(nav: HTMLElement, link: HTMLElement): void {
  nav.scrollTo({
    left: link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2,
    top: link.offsetTop - (nav.clientHeight - link.offsetHeight) / 2,
  });
}
