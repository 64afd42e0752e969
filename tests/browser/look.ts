// What can be measured of how a page looks and reads: contrast, names of controls, structure, things that are too wide.
import { AxeBuilder } from "@axe-core/playwright";
import type { Tab } from "./browser.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Each place that breaks WCAG 2.2 level AA or common practice, as far as a program can tell, but for some rules. */
export async function barriers({ page }: Tab, without: string[] = []): Promise<string[]> {
  // The other mode opens a page of its own for each look, and is for frames of other origins.
  const axe = new AxeBuilder({ page }).setLegacyMode(page.frames().length === 1);
  const { violations } = await axe.withTags(RULES).disableRules(without).analyze();
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}

/** By how many pixels the page is wider than its window: nobody should have to scroll sideways. */
export function overflowOf({ page }: Tab): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
