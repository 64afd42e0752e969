// The form of one route: an input for each value that it takes, the request that they make, and its answer.
import type { Access } from "./access.client.js";
import { type AnswerView, createAnswerView } from "./answer.client.js";
import { element } from "./dom.client.js";
import { addInputs, fieldsIn } from "./fields.client.js";
import { bodySample, curlOf, targetOf } from "./request.client.js";

/** A request as the form says it. */
interface Wanted {
  method: string;
  /** Path and query. */
  target: string;
  body: string | undefined;
}

const ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const TAKES_BODY = new Set(["POST", "PUT", "PATCH", "ALL"]);
const BODY_LINES_MIN = 3;
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

export function addForm(route: HTMLDetailsElement, access: Access): void {
  const name = `Try ${route.dataset.method} ${route.dataset.path}`;
  const title = element("h3", {}, "Try it");
  const form = element("form", { id: `try-${route.id}`, class: "try", "aria-label": name }, title);
  const wanted = createInputs(route, form);
  const answer = createAnswerView();
  const curl = element("pre", { tabindex: "0", "aria-label": "The same for a shell" });
  const send = createSender(access, answer);
  const stop = element("button", { type: "button", class: "quiet" }, "Stop");
  stop.hidden = true;
  stop.addEventListener("click", send.stop);

  function showCurl(): void {
    curl.textContent = readable(() => {
      const { method, target, body } = wanted();
      return curlOf({ method, url: location.origin + target, body, needsToken: needsToken(route) });
    });
  }

  form.append(
    element("div", { class: "actions" }, element("button", { type: "submit" }, "Send"), stop),
    answer.root,
    element("details", { class: "curl" }, element("summary", {}, "curl"), curl),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    stop.hidden = false;
    if (await send(wanted)) stop.hidden = true;
  });
  route.addEventListener("input", showCurl);
  route.querySelector(".inside")?.append(form);
  showCurl();
}

/** Adds the inputs that a route needs, and returns what reads them. */
function createInputs(route: HTMLDetailsElement, form: HTMLFormElement): () => Wanted {
  const { method: routeMethod = "GET", path = "/" } = route.dataset;
  const pathInputs = addInputs(route, "path", form.id);
  const queryInputs = addInputs(route, "query", form.id);
  const bodyFields = fieldsIn(route, "body");
  const isDocumented = route.querySelector(".values:not([data-in=path])") !== null;
  const options = ALL_METHODS.map((one) => element("option", {}, one));
  const method = routeMethod === "ALL" ? element("select", {}, ...options) : undefined;
  const query = isDocumented
    ? undefined
    : element("input", { placeholder: "name=value", spellcheck: "false" });
  const hasBody = bodyFields.length > 0 || (TAKES_BODY.has(routeMethod) && !isDocumented);
  const sample = bodyFields.length > 0 ? bodySample(bodyFields) : "";
  const rows = String(Math.max(BODY_LINES_MIN, sample.split("\n").length));
  const body = hasBody ? element("textarea", { rows, spellcheck: "false" }, sample) : undefined;

  const inputs = { Method: method, Query: query, "Body (JSON)": body };
  for (const [text, input] of Object.entries(inputs))
    if (input) form.append(element("label", {}, text, input));

  return () => ({
    method: method?.value ?? routeMethod,
    target: targetOf(path, {
      path: pathInputs.map(({ input }) => input.value),
      query: queryInputs.map(({ name, input }) => [name, input.value]),
      rawQuery: query?.value,
    }),
    body: WITHOUT_BODY.has(method?.value ?? routeMethod) ? undefined : body?.value || undefined,
  });
}

interface Sender {
  /** Resolves to false when another request took its place meanwhile. */
  (wanted: () => Wanted): Promise<boolean>;
  stop(): void;
}

function createSender(access: Access, answer: AnswerView): Sender {
  let current = new AbortController();

  async function send(wanted: () => Wanted): Promise<boolean> {
    current.abort();
    const own = new AbortController();
    current = own;
    try {
      await ask(wanted(), { access, answer, signal: own.signal });
    } catch (error) {
      if (!own.signal.aborted) answer.fail(error instanceof Error ? error.message : String(error));
    }
    return current === own;
  }
  return Object.assign(send, { stop: () => current.abort() });
}

interface Asking {
  access: Access;
  answer: AnswerView;
  signal: AbortSignal;
}

async function ask({ method, target, body }: Wanted, { access, answer, signal }: Asking): Promise<void> {
  const { url, headers } = await access.request(target);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const begun = performance.now();
  const response = await fetch(url, { method, headers, body, signal, cache: "no-store" });
  const shown = answer.show(response, performance.now() - begun);
  if (response.status === 401) answer.advise(access.refused());
  await shown;
}

function needsToken(route: HTMLDetailsElement): boolean {
  return route.dataset.open !== "true" && document.body.dataset.needsToken === "true";
}

/** The text, or what is missing to make it. */
function readable(text: () => string): string {
  try {
    return text();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
