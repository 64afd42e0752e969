// The values that a route takes, as the page lists them, and an input for each in its line.
import { element } from "./dom.client.js";

export interface Field {
  name: string;
  type: string;
  required: boolean;
  line: HTMLElement;
}

export interface Input {
  name: string;
  input: HTMLInputElement | HTMLSelectElement;
}

type Place = "path" | "query" | "body";

export function fieldsIn(route: Element, place: Place): Field[] {
  const lines = route.querySelectorAll<HTMLElement>(`.values[data-in=${place}] > li`);
  return Array.from(lines, (line) => {
    const { name = "", type = "", required } = line.dataset;
    return { name, type, required: required === "true", line };
  });
}

/** `form` is the id of the form that the inputs belong to. */
export function addInputs(route: Element, place: "path" | "query", form: string): Input[] {
  return fieldsIn(route, place).map((field) => {
    const input = inputFor(field, { form, required: field.required && place === "path" });
    field.line.append(input);
    return { name: field.name, input };
  });
}

function inputFor(
  { name, type }: Field,
  { form, required }: { form: string; required: boolean },
): HTMLInputElement | HTMLSelectElement {
  const attributes = { form, required, "aria-label": name };
  if (type !== "boolean") {
    const isNumber = type === "number" || type === "integer";
    return element("input", {
      ...attributes,
      placeholder: type,
      spellcheck: "false",
      autocomplete: "off",
      inputmode: isNumber ? "decimal" : "text",
    });
  }
  const options = ["", "true", "false"].map((value) => element("option", {}, value));
  return element("select", attributes, ...options);
}
