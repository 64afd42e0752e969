// What a module says of its routes, made into texts of a bounded length: a module may have put anything there.
import type { ParamDoc, RouteDocs } from "#core/types.js";

const TEXT_CHARS_MAX = 10_000;
const NAME_CHARS_MAX = 200;
const PARAMS_MAX = 200;

/** Texts alone; the rest is left out. */
export function textsOf(docs: unknown): Partial<RouteDocs> {
  if (!isRecord(docs)) return {};
  return {
    summary: textOf(docs.summary),
    detail: textOf(docs.detail),
    params: paramsOf(docs.params),
    query: paramsOf(docs.query),
    body: paramsOf(docs.body),
    response: textOf(docs.response),
  };
}

function paramsOf(params: unknown): Record<string, ParamDoc> | undefined {
  if (!isRecord(params)) return undefined;
  const named = Object.entries(params)
    .filter(([name]) => name !== "" && name.length <= NAME_CHARS_MAX)
    .slice(0, PARAMS_MAX);
  return Object.fromEntries(named.map(([name, param]) => [name, paramOf(param)]));
}

/** A text in place of a description with its type is taken as the description. */
function paramOf(param: unknown): ParamDoc {
  if (!isRecord(param)) return { type: "", description: textOf(param) ?? "" };
  return {
    type: textOf(param.type)?.trim().slice(0, NAME_CHARS_MAX) ?? "",
    ...(typeof param.required === "boolean" ? { required: param.required } : {}),
    description: textOf(param.description) ?? "",
  };
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, TEXT_CHARS_MAX).toWellFormed() : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
