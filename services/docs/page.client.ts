// What the page does in the browser: it filters, follows where one reads, and gives each opened route a form to try it.
import { createAccess } from "./access.client.js";
import { startFilter } from "./filter.client.js";
import { startGuide } from "./guide.client.js";
import { addForm } from "./try.client.js";

const routes = [...document.querySelectorAll<HTMLDetailsElement>("details.route")];
const access = createAccess();

startFilter(routes);
startGuide();

for (const route of routes) {
  let hasForm = false;
  route.addEventListener("toggle", () => {
    if (route.open && !hasForm) addForm(route, access);
    hasForm ||= route.open;
  });
}

/** A link to a route opens it. */
function openLinked(): void {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(linked instanceof HTMLDetailsElement)) return;
  linked.open = true;
  linked.scrollIntoView();
}
window.addEventListener("hashchange", openLinked);
openLinked();
