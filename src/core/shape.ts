// Checks that a folder's default export is a ServiceModule, so that a wrong field is a problem at load and no crash later.
import { ReefError } from "./errors.js";
import type { ServiceModule } from "./types.js";

type Check = { expected: string; holds(value: unknown): boolean };

const isString: Check = { expected: "a string", holds: (value) => typeof value === "string" };
const isBoolean: Check = { expected: "a boolean", holds: (value) => typeof value === "boolean" };
const isFunction: Check = { expected: "a function", holds: (value) => typeof value === "function" };
const isStrings: Check = {
  expected: "an array of strings",
  holds: (value) => isListOf(value, isString.holds),
};

const FIELDS: Record<Exclude<keyof ServiceModule, "name">, Check> = {
  description: isString,
  // Told by what is called on it, for a plugin may bring a hono of its own.
  routes: { expected: "a Hono app", holds: (value) => hasFunctions(value, ["fetch", "route"]) },
  mountAtRoot: isBoolean,
  requiresAuth: isBoolean,
  publicRoutes: isStrings,
  panelUses: isStrings,
  maxBodyBytes: {
    expected: "a positive integer",
    holds: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  },
  store: { expected: "an object with flush() or close()", holds: isStore },
  init: isFunction,
  registerTools: isFunction,
  registerBehaviors: isFunction,
  widget: { expected: "an object with getLines()", holds: (value) => hasFunctions(value, ["getLines"]) },
  routeDocs: { expected: "an object", holds: isObject },
  dependencies: isStrings,
  capabilities: isStrings,
};

/** Returns `value` as the module that it is; throws `bad_request` with the problem's text otherwise. */
export function checkShape(value: unknown): ServiceModule {
  if (!isObject(value) || typeof value.name !== "string" || value.name === "") {
    throw new ReefError("bad_request", "default export missing 'name' property");
  }
  for (const [field, check] of Object.entries(FIELDS)) {
    const found = value[field];
    if (found === undefined || check.holds(found)) continue;
    throw new ReefError("bad_request", `"${field}" must be ${check.expected}. Received: ${described(found)}`);
  }
  return value as unknown as ServiceModule;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isListOf(value: unknown, holds: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(holds);
}

function hasFunctions(value: unknown, names: string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === "function");
}

function isStore(value: unknown): boolean {
  return (
    isObject(value) &&
    ["flush", "close"].every((name) => ["function", "undefined"].includes(typeof value[name]))
  );
}

function described(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
